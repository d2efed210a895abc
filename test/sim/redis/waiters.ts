// Connections that are blocked in WAIT until enough replicas have acknowledged their writes.

import type { SimTimer } from '../ports.ts';
import type { Connection } from './connection.ts';
import type { Downstream } from './downstream.ts';
import type { Reply } from './protocol.ts';
import type { State } from './state.ts';

type Waiter = {
  readonly connection: Connection;
  readonly replicas: number;
  readonly offset: number;
  readonly timer: SimTimer | null;
  readonly resume: (reply: Reply) => void;
};

export class Waiters {
  readonly #state: State;
  readonly #downstream: Downstream;
  #waiting: Waiter[] = [];

  constructor(state: State, downstream: Downstream) {
    this.#state = state;
    this.#downstream = downstream;
  }

  /** The count at once where it is reached; else later: null. Replicas are asked at once. */
  wait(
    wanted: { readonly replicas: number; readonly timeoutMs: number },
    connection: Connection,
    resume: (reply: Reply) => void,
  ): Reply | null {
    const offset = connection.reached;
    const count = this.#downstream.countAcked(offset);
    if (count >= wanted.replicas) return { kind: 'number', value: count };
    const { timeoutMs, replicas } = wanted;
    const timer = timeoutMs > 0 ? this.#state.life.after(timeoutMs, () => end()) : null;
    const waiter: Waiter = { connection, replicas, offset, timer, resume };
    const end = (): void => this.#end(waiter);
    this.#waiting.push(waiter);
    this.#downstream.askForAcks();
    return null;
  }

  acknowledged(): void {
    if (this.#waiting.length === 0) return;
    for (const waiter of this.#waiting.slice()) {
      if (this.#downstream.countAcked(waiter.offset) >= waiter.replicas) this.#end(waiter);
    }
  }

  closed(connection: Connection): void {
    const index = this.#waiting.findIndex((waiter) => waiter.connection === connection);
    if (index >= 0) this.#waiting.splice(index, 1)[0]?.timer?.cancel();
  }

  /** It became a replica: who waits hears that it will never know, and is cut. */
  disconnectAll(): void {
    for (const { connection } of this.#waiting.slice()) {
      connection.send({ kind: 'replies', replies: [{ kind: 'error', code: 'UNBLOCKED' }] });
      connection.drop();
    }
  }

  #end(waiter: Waiter): void {
    const index = this.#waiting.indexOf(waiter);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiter.timer?.cancel();
    waiter.resume({ kind: 'number', value: this.#downstream.countAcked(waiter.offset) });
  }
}
