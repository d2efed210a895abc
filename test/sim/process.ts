// A program under test as the kernel sees it: it runs, stands still for a while (stopped, suspended,
// an event loop that is busy), or is dead. Whatever happens to it comes through `run`.

import type { Clock, Timer } from '../../agent/clock.ts';
import type { World } from './world.ts';

export class SimProcess {
  readonly world: World;
  #isAlive = true;
  #stoppedUntil = 0;
  #waiting: (() => void)[] = [];

  readonly createdAt: number;

  constructor(world: World) {
    this.world = world;
    this.createdAt = world.now();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isStopped(): boolean {
    return this.world.now() < this.#stoppedUntil;
  }

  get isRunning(): boolean {
    return this.#isAlive && !this.isStopped;
  }

  /** Since when it runs without having stood still; true milliseconds. */
  get runsSince(): number {
    return Math.max(this.createdAt, this.#stoppedUntil);
  }

  /** Now, or when the process goes on; never once it is dead. */
  run(work: () => void): void {
    if (!this.#isAlive) return;
    if (this.isStopped) this.#waiting.push(work);
    else work();
  }

  die(): void {
    this.#isAlive = false;
    this.#waiting = [];
  }

  stop(ms: number): void {
    const until = this.world.now() + ms;
    if (until <= this.#stoppedUntil) return;
    this.#stoppedUntil = until;
    this.world.after(ms, () => this.#goOn());
  }

  #goOn(): void {
    if (!this.#isAlive || this.isStopped) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const work of waiting) this.run(work);
  }

  /** A promise for a program of this process, whose continuations the world lets run. */
  promise<T>(start: (resolve: (value: T) => void) => void): Promise<T> {
    this.world.settles();
    return new Promise<T>((resolve) => {
      start((value) =>
        this.run(() => {
          this.world.settles();
          resolve(value);
        }),
      );
    });
  }
}

/** How far the clocks of one machine were set ahead, without any time that passed. */
export type ClockJumps = { wallMs: number; bootMs: number };

/** What wall clocks show at the start. */
export const EPOCH_MS = 1_700_000_000_000;

/** A boot-time clock that runs a little too fast or too slow, and a wall clock; both may jump. */
export class SimClock implements Clock {
  readonly #process: SimProcess;
  readonly #rate: number;
  readonly #startMs: number;
  readonly #jumps: ClockJumps;

  /** `jumps` are those of its machine. */
  constructor(process: SimProcess, options: { rate: number; startMs: number; jumps: ClockJumps }) {
    this.#process = process;
    this.#rate = options.rate;
    this.#startMs = options.startMs;
    this.#jumps = options.jumps;
  }

  now(): number {
    return this.#startMs + this.#process.world.now() * this.#rate + this.#jumps.bootMs;
  }

  epochMs(): number {
    return EPOCH_MS + Math.floor(this.#process.world.now() + this.#jumps.wallMs);
  }

  after(ms: number, run: () => void): Timer {
    const { world } = this.#process;
    let isCancelled = false;
    const timer = world.after(ms / this.#rate, () =>
      this.#process.run(() => {
        if (!isCancelled) run();
      }),
    );
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** As Node has it: the next period begins when the last run has ended. */
  every(ms: number, run: () => void): Timer {
    let isCancelled = false;
    let timer: Timer;
    const arm = (): void => {
      timer = this.after(ms, () => {
        run();
        if (!isCancelled) arm();
      });
    };
    arm();
    const cancel = (): void => {
      isCancelled = true;
      timer.cancel();
    };
    return { cancel };
  }

  sleep(ms: number): Promise<void> {
    return this.#process.promise((resolve) => {
      this.after(ms, () => resolve(undefined));
    });
  }
}
