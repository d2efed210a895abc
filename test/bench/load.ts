// The load of planned changes and of open pages: twelve connections that write all the time.

import { DirectWriter } from '../harness/direct-writer.ts';
import type { Acknowledged } from '../harness/ledger.ts';
import { waitFor } from '../harness/wait-for.ts';

const CONNECTIONS = 12;
/** Some 5000 writes a second over all: a machine that is busy to the brim measures itself. */
const EVERY_MS = 2;
const WRITTEN_TIMEOUT_MS = 120_000;

export class Load {
  /** Of all connections, in the order of the acknowledgements. */
  readonly ledger: Acknowledged[] = [];
  readonly #writers: readonly DirectWriter[];
  readonly #prefixes: readonly string[];

  constructor(addresses: readonly string[], prefix: string) {
    const { ledger } = this;
    this.#prefixes = Array.from({ length: CONNECTIONS }, (_, index) => `${prefix}:${index}`);
    this.#writers = this.#prefixes.map(
      (each) => new DirectWriter({ addresses, prefix: each, everyMs: EVERY_MS, ledger }),
    );
  }

  async written(count: number): Promise<void> {
    const isWritten = () => this.ledger.length >= count;
    await waitFor(`${count} writes are acknowledged`, isWritten, {
      timeoutMs: WRITTEN_TIMEOUT_MS,
    });
  }

  /** The same ledger, of each connection by itself. */
  byConnection(): readonly (readonly Acknowledged[])[] {
    const byPrefix = new Map(this.#prefixes.map((prefix) => [prefix, [] as Acknowledged[]]));
    for (const each of this.ledger) {
      byPrefix.get(each.key.slice(0, each.key.lastIndexOf(':')))?.push(each);
    }
    return [...byPrefix.values()];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#writers.map(async (writer) => await writer.stop()));
  }
}
