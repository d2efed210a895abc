// Whether a process runs, is stopped (SIGSTOP) or is gone. While it is stopped nothing happens in
// it, and what reaches it waits in the kernel: each connection's messages in order.

import type { Random, Scheduler, SimTimer } from '../ports.ts';

type Held = { readonly lane: object; readonly run: () => void };

export class Life {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #timersLane = {};
  #held: Held[] = [];
  #state: 'running' | 'frozen' | 'gone' = 'running';

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  get runs(): boolean {
    return this.#state === 'running';
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen';
  }

  end(): void {
    this.#state = 'gone';
    this.#held = [];
  }

  /** Of what waited, messages come first and timers then, as in an event loop. */
  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    const lanes = new Map<object, Held[]>();
    for (const each of this.#held) {
      const lane = lanes.get(each.lane);
      if (lane === undefined) lanes.set(each.lane, [each]);
      else lane.push(each);
    }
    this.#held = [];
    const timers = lanes.get(this.#timersLane) ?? [];
    lanes.delete(this.#timersLane);
    // Redis reads a bounded piece of each connection in turn: any order between them can happen.
    const queues = [...lanes.values()].map((items) => items.values());
    while (queues.length > 0) {
      const index = this.#random.integer(queues.length);
      const next = queues[index]?.next();
      if (next === undefined || next.done === true) queues.splice(index, 1);
      else this.#resume(next.value);
    }
    for (const each of timers) this.#resume(each);
  }

  #resume(held: Held): void {
    if (this.#state === 'running') held.run();
    else if (this.#state === 'frozen') this.#held.push(held);
  }

  /** For what arrives while it does not run; `lane` is the connection. */
  hold(lane: object, run: () => void): void {
    if (this.#state === 'frozen') this.#held.push({ lane, run });
  }

  /** A timer of the process: due while it is stopped, it comes at the thaw. */
  after(ms: number, run: () => void): SimTimer {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) run();
    };
    const timer = this.#scheduler.after(ms, () => {
      if (this.#state === 'running') fire();
      else this.hold(this.#timersLane, fire);
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** Something that happens to the process now, or once it is thawed (a signal). */
  deliver(run: () => void): void {
    if (this.#state === 'running') run();
    else this.hold(this.#timersLane, run);
  }
}
