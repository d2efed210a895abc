// Calls that come while one runs share the next one: it begins after all of them, so that what it finds is
// true for each. A flood costs one run per gap, and nobody gets an answer from before his question.

import { setTimeout as pause } from 'node:timers/promises';

export class Joined<T> {
  readonly #run: () => Promise<T>;
  readonly #gapMs: number;
  #running: Promise<unknown> | null = null;
  #next: Promise<T> | null = null;

  /** `gapMs`: at least so long from the start of one run to that of the next. */
  constructor(run: () => Promise<T>, gapMs: number) {
    this.#run = run;
    this.#gapMs = gapMs;
  }

  async ask(): Promise<T> {
    if (this.#running === null) return await this.#start();
    const before = this.#running;
    this.#next ??= before.then(async () => {
      this.#next = null;
      return await this.#start();
    });
    return await this.#next;
  }

  async #start(): Promise<T> {
    const run = this.#run();
    const ended = this.#endOf(run);
    this.#running = ended;
    void ended.finally(() => {
      if (this.#running === ended) this.#running = null;
    });
    return await run;
  }

  async #endOf(run: Promise<T>): Promise<void> {
    await Promise.allSettled([run, pause(this.#gapMs)]);
  }
}
