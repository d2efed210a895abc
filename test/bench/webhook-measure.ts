// The phases of the bench of webhooks: one review after the other for times, several connections at once
// for what a core does.

import { setTimeout as pause } from 'node:timers/promises';
import { cpuSecondsOf } from './process-cost.ts';
import { Caller, type Target } from './webhook-caller.ts';
import { type Kind, reviewBodies, whyNoInjection } from './webhook-reviews.ts';

/** Enough to keep any of them busy; this process has one core, too. */
const CONNECTIONS = 8;
/** CPU time comes in ticks of 10 ms: over ten such slices they are 1 % at most. */
const SLICE_MS = 300;
/** The slowest ones would take the whole time of a run: then they have fewer reviews, which `n` says. */
const WARM_UP_MS = 3000;
const ROUND_MS = 4000;
const FIRST_ANSWER_MS = 60_000;
const FIRST_PAUSE_MS = 200;

export type Measured = {
  readonly times: number[];
  reviews: number;
  cpuSeconds: number;
};

export function emptyMeasure(): Measured {
  return { times: [], reviews: 0, cpuSeconds: 0 };
}

/** One system under the bench, with its connections. */
export class Measure {
  readonly pid: number;
  /** All that it answered so far. */
  answered = 0;
  private readonly callers: readonly Caller[];
  private readonly bodies: ReadonlyMap<Kind, readonly Buffer[]>;
  private next = 0;

  constructor(target: Target, pid: number, kinds: readonly Kind[]) {
    this.pid = pid;
    this.callers = Array.from({ length: CONNECTIONS }, () => new Caller(target));
    this.bodies = new Map(kinds.map((kind) => [kind, reviewBodies(kind)]));
  }

  /** Waits for the first injection, then has every answer of a kind looked at closely. */
  async warmUp(kind: Kind, reviews: number): Promise<void> {
    const deadline = performance.now() + FIRST_ANSWER_MS;
    for (;;) {
      const why = await this.look(kind);
      if (why === undefined) break;
      if (performance.now() > deadline) throw new Error(`no injection of a ${kind} pod: ${why}`);
      await pause(FIRST_PAUSE_MS);
    }
    const end = performance.now() + WARM_UP_MS;
    for (let at = 0; at < reviews / CONNECTIONS && performance.now() < end; at++) {
      for (const caller of this.callers) {
        const { status, text } = await this.send(caller, kind);
        const why = whyNoInjection(status, text);
        if (why !== undefined) throw new Error(`no injection of a ${kind} pod: ${why}`);
      }
    }
  }

  async oneByOne(kind: Kind, reviews: number, into: Measured): Promise<void> {
    const [caller] = this.callers;
    if (caller === undefined) return;
    const end = performance.now() + ROUND_MS;
    for (let at = 0; at < reviews && performance.now() < end; at++) {
      const { status, text, ms } = await this.send(caller, kind);
      into.times.push(ms);
      check(status, text);
    }
  }

  async atOnce(kind: Kind, into: Measured): Promise<void> {
    const end = performance.now() + SLICE_MS;
    const cpuBefore = cpuSecondsOf(this.pid);
    const loop = async (caller: Caller): Promise<void> => {
      while (performance.now() < end) {
        const { status, text } = await this.send(caller, kind);
        check(status, text);
        into.reviews++;
      }
    };
    await Promise.all(this.callers.map(loop));
    into.cpuSeconds += cpuSecondsOf(this.pid) - cpuBefore;
  }

  async close(): Promise<void> {
    await Promise.all(this.callers.map(async (caller) => await caller.close()));
  }

  private async send(caller: Caller, kind: Kind) {
    const bodies = this.bodies.get(kind) ?? [];
    const called = await caller.call(bodies[this.next++ % bodies.length] ?? Buffer.alloc(0));
    this.answered++;
    return called;
  }

  /** Undefined: an injection. A process that starts refuses connections first, or has no rights yet. */
  private async look(kind: Kind): Promise<string | undefined> {
    const [caller] = this.callers;
    if (caller === undefined) return 'no connection';
    try {
      const { status, text } = await this.send(caller, kind);
      return whyNoInjection(status, text);
    } catch (error) {
      return String(error);
    }
  }
}

/** Cheap, for the many: the closer look was in the warm-up. */
function check(status: number, text: string): void {
  if (status === 200 && text.includes('"allowed":true') && text.includes('"patch":"')) return;
  throw new Error(`no injection: ${status} ${text.slice(0, 400)}`);
}
