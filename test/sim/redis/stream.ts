// The replication stream in bytes as Redis counts them, and the backlog that partial syncs are
// served from.

import type { Dataset } from './dataset.ts';

/** One piece of the stream: replicas apply it whole. The same object goes to all of them. */
export type StreamEntry = {
  readonly kind: 'entry';
  /** Offset behind it. */
  readonly end: number;
  readonly bytes: number;
  /** The dataset with this write, on the instance that it was written to. */
  readonly dataset: Dataset | null;
  readonly asksForAck: boolean;
  /** The rest of a command whose beginning was not sent: who reads it gives up the link. */
  readonly isGarbled: boolean;
};

/** `*2 $6 SELECT $1 0` */
export const SELECT_BYTES = 23;
/** `*1 $4 PING` */
export const PING_BYTES = 14;
/** `*3 $8 REPLCONF $6 GETACK $1 *` */
export const GETACK_BYTES = 37;

/** `*1 $5 MULTI` */
export const MULTI_BYTES = 15;
/** `*1 $4 EXEC` */
export const EXEC_BYTES = 14;

/** A write is `*3 $3 SET $10 <key> $<n> <value>`, with a key of ten bytes. */
export function writeBytes(valueBytes: number): number {
  const digits = valueBytes < 10 ? 1 : String(valueBytes).length;
  return 35 + digits + valueBytes;
}

export class Backlog {
  /** Offset behind the bytes that are still there. */
  #base: number;
  #entries: StreamEntry[] = [];
  #first = 0;
  #limit: number;

  constructor(offset: number, limit: number) {
    this.#base = offset;
    this.#limit = limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
    this.#trim();
  }

  append(entry: StreamEntry): void {
    this.#entries.push(entry);
    if (entry.end - this.#base > this.#limit) this.#trim();
  }

  /** What follows this offset, or null where some of it is gone; garbled from within a command. */
  after(offset: number): StreamEntry[] | null {
    const newest = this.#entries.at(-1)?.end ?? this.#base;
    if (offset < this.#base || offset > newest) return null;
    let at = this.#entries.length;
    while (at > this.#first && (this.#entries[at - 1]?.end ?? 0) > offset) at--;
    const entries = this.#entries.slice(at);
    const [first] = entries;
    if (first === undefined || first.end - first.bytes >= offset) return entries;
    return [{ ...first, bytes: first.end - offset, dataset: null, isGarbled: true }];
  }

  #trim(): void {
    const newest = this.#entries.at(-1)?.end ?? this.#base;
    for (;;) {
      const oldest = this.#entries[this.#first];
      if (oldest === undefined || newest - this.#base <= this.#limit) break;
      this.#base = oldest.end;
      this.#first++;
    }
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
