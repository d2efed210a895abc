// Redis before 7.0 puts MULTI into the stream as soon as a transaction comes to a command that is
// neither read-only nor administrative, and INFO is such a one. A master that the transaction made a
// replica ends it with an EXEC that its own replicas alone get: its stream has 14 bytes more than
// its new master's from then on, and who continues from it one day reads from within a command.

import type { Downstream } from './downstream.ts';
import type { Command } from './protocol.ts';
import type { State } from './state.ts';
import { EXEC_BYTES, MULTI_BYTES } from './stream.ts';
import type { Upstream } from './upstream.ts';

const SILENT: ReadonlySet<Command['kind']> = new Set([
  'replicaof',
  'replicaof-no-one',
  'config-set',
  'config-get',
  'client-kill',
  'exists',
  'keys',
  'shutdown',
  'bgsave',
]);

export class TransactionEcho {
  readonly #state: State;
  readonly #upstream: Upstream;
  readonly #downstream: Downstream;
  readonly #wasMaster: boolean;
  #hasBegun = false;

  constructor(state: State, upstream: Upstream, downstream: Downstream) {
    this.#state = state;
    this.#upstream = upstream;
    this.#downstream = downstream;
    this.#wasMaster = upstream.target === null;
  }

  before(command: Command): void {
    if (this.#hasBegun || this.#state.loading !== null || SILENT.has(command.kind)) return;
    this.#hasBegun = true;
    if (this.#upstream.target === null) this.#downstream.write(MULTI_BYTES, null);
  }

  end(): void {
    if (!this.#hasBegun) return;
    const isMaster = this.#upstream.target === null;
    const isLeftOver = this.#wasMaster && !isMaster && this.#state.backlog !== null;
    if (isMaster) this.#downstream.write(EXEC_BYTES, null);
    else if (isLeftOver) this.#downstream.feed(EXEC_BYTES, null, false);
  }
}
