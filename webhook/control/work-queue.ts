// Keys that wait for work: each at most once in the queue, one at a time, failures with a growing
// pause. Nothing is lost: a key that is added during its own work is done once more.

import { setTimeout as delay } from 'node:timers/promises';

export type WorkQueueOptions = {
  readonly work: (key: string) => Promise<void>;
  readonly onError: (key: string, error: unknown, retryMs: number) => void;
};

const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 30_000;

export class WorkQueue {
  private readonly waiting = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly options: WorkQueueOptions;
  private isRunning = false;

  constructor(options: WorkQueueOptions) {
    this.options = options;
  }

  add(key: string): void {
    this.waiting.add(key);
    if (!this.isRunning) void this.run();
  }

  get isIdle(): boolean {
    return !this.isRunning;
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    for (const key of this.waiting) {
      this.waiting.delete(key);
      await this.workOn(key);
    }
    this.isRunning = false;
  }

  private async workOn(key: string): Promise<void> {
    try {
      await this.options.work(key);
      this.failures.delete(key);
    } catch (error) {
      const failures = (this.failures.get(key) ?? 0) + 1;
      this.failures.set(key, failures);
      const retryMs = Math.min(RETRY_MS_MIN * 2 ** (failures - 1), RETRY_MS_MAX);
      this.options.onError(key, error, retryMs);
      void delay(retryMs).then(() => this.add(key));
    }
  }
}
