// One container as the kubelet sees it: a process that is started again when it ends, after a
// delay, until the pod is stopped.

import type { Exit, ManagedProcess } from './workspace.ts';

export type ContainerState = {
  readonly name: string;
  readonly running: boolean;
  readonly restarts: number;
  readonly startedAt: string;
};

export class Container {
  readonly name: string;
  process: ManagedProcess;
  private readonly launch: () => ManagedProcess;
  private readonly onChange: () => void;
  private restartDelayMs: number;
  private restarts = 0;
  private startedAt = new Date();
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;
  private isHeld = false;

  constructor(
    name: string,
    restartDelayMs: number,
    launch: () => ManagedProcess,
    onChange: () => void,
  ) {
    this.name = name;
    this.restartDelayMs = restartDelayMs;
    this.launch = launch;
    this.onChange = onChange;
    this.process = this.start();
  }

  private start(): ManagedProcess {
    this.startedAt = new Date();
    const started = this.launch();
    void this.watch(started);
    return started;
  }

  private async watch(started: ManagedProcess): Promise<void> {
    await started.exited;
    this.onChange();
    if (!this.isStopping && !this.isHeld) this.restartLater();
  }

  private restartLater(): void {
    this.timer = setTimeout(() => {
      this.restarts++;
      this.process = this.start();
      this.onChange();
    }, this.restartDelayMs);
  }

  get state(): ContainerState {
    return {
      name: this.name,
      running: this.process.isRunning,
      restarts: this.restarts,
      startedAt: this.startedAt.toISOString(),
    };
  }

  setRestartDelay(restartDelayMs: number): void {
    this.restartDelayMs = restartDelayMs;
  }

  /** Once ended it stays down until `release`. */
  hold(): void {
    this.isHeld = true;
    clearTimeout(this.timer);
  }

  release(): void {
    this.isHeld = false;
    if (this.process.isRunning || this.isStopping) return;
    this.restarts++;
    this.process = this.start();
    this.onChange();
  }

  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }

  /** Ends for good. */
  async stop(graceMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.isStopping = true;
    clearTimeout(this.timer);
    return await this.process.stop(graceMs, signal);
  }

  /** The kubelet no longer restarts it, though it still runs: its pod is being deleted. */
  noMoreRestarts(): void {
    this.isStopping = true;
    clearTimeout(this.timer);
  }
}
