// Keys that wait for work: each at most once in the queue and never twice at a time, a few keys side by side, so that
// one that hangs does not stop the others. Failures come again with a growing pause. Nothing is lost: a key that is
// added during its own work is done once more.

export type WorkQueueOptions = {
  readonly work: (key: string) => Promise<void>;
  readonly onError: (key: string, error: unknown, retryMs: number) => void;
};

const LANES = 4;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 30_000;

export class WorkQueue {
  private readonly waiting = new Set<string>();
  private readonly working = new Set<string>();
  private readonly failures = new Map<string, number>();
  /** One for each key, or each failure that is asked for again would start a chain of its own. */
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly options: WorkQueueOptions;

  constructor(options: WorkQueueOptions) {
    this.options = options;
  }

  add(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.waiting.add(key);
    this.fill();
  }

  /** Adds it in so many milliseconds, unless it is added before. */
  addLater(key: string, afterMs: number): void {
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => this.add(key), afterMs),
    );
  }

  /** What waits for its time does not count. */
  get isIdle(): boolean {
    return this.working.size === 0 && this.waiting.size === 0;
  }

  private fill(): void {
    for (const key of this.waiting) {
      if (this.working.size >= LANES) return;
      if (this.working.has(key)) continue;
      this.waiting.delete(key);
      this.working.add(key);
      void this.workOn(key).finally(() => {
        this.working.delete(key);
        this.fill();
      });
    }
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
      // Added again while it was worked on, it comes at once.
      if (!this.waiting.has(key)) this.addLater(key, retryMs);
    }
  }
}
