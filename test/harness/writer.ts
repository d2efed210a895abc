// A client that writes numbered keys as fast as it is told, and keeps a ledger of every write that
// was acknowledged: what the ledger has and the data have not is lost.

import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type Acknowledged, largestGapMs, lostWrites } from './ledger.ts';
import { openRedis, type RedisAccess } from './redis-client.ts';
import { waitFor } from './wait-for.ts';

export type WriterOptions = {
  readonly access: RedisAccess;
  /** Where a new connection goes; undefined: nowhere, try again. */
  readonly route: () => string | undefined;
  readonly everyMs?: number;
  readonly connections?: number;
  readonly prefix?: string;
  /** A write without an answer for so long closes the connection. */
  readonly timeoutMs?: number;
  /** Pause before the next connection. */
  readonly retryMs?: number;
};

export class Writer {
  readonly ledger: Acknowledged[] = [];
  readonly errors = new Map<string, number>();
  private readonly options: WriterOptions;
  private readonly loops: Promise<void>[];
  private isStopping = false;
  private next = 0;

  constructor(options: WriterOptions) {
    this.options = options;
    this.loops = Array.from({ length: options.connections ?? 2 }, async () => await this.loop());
  }

  private async loop(): Promise<void> {
    const retryMs = this.options.retryMs ?? 2;
    while (!this.isStopping) {
      const address = this.options.route();
      if (address === undefined) {
        await pause(retryMs);
        continue;
      }
      const client = openRedis(address, this.options.access, this.options.timeoutMs ?? 300);
      try {
        await client.connect();
        await this.writeAll(client, address);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
      } finally {
        client.disconnect();
      }
      await pause(retryMs);
    }
  }

  private async writeAll(client: Redis, address: string): Promise<void> {
    while (!this.isStopping) {
      const number = this.next++;
      const key = `${this.options.prefix ?? 'w'}:${number}`;
      const value = String(number);
      const sentMs = performance.now();
      await client.set(key, value);
      this.ledger.push({ key, value, sentMs, atMs: performance.now(), address });
      await pause(this.options.everyMs ?? 1);
    }
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.loops);
  }

  get last(): Acknowledged | undefined {
    return this.ledger.at(-1);
  }

  /** The first write acknowledged after `markMs`, by another than `notBy` if given. */
  async firstAfter(markMs: number, timeoutMs: number, notBy?: string): Promise<Acknowledged> {
    return await waitFor(
      'a write is acknowledged again',
      () => this.ledger.find((each) => each.sentMs > markMs && each.address !== notBy),
      {
        timeoutMs,
        everyMs: 5,
        picture: () =>
          `errors: ${JSON.stringify([...this.errors])}; route: ${this.options.route()}`,
      },
    );
  }

  /** The longest time without an acknowledgement since `fromMs`, until `toMs`. */
  largestGapMs(fromMs: number, toMs = performance.now()): number {
    return largestGapMs(this.ledger, fromMs, toMs);
  }

  /** Acknowledged writes that the given instance does not have. */
  async lost(address: string): Promise<Acknowledged[]> {
    return await lostWrites(this.ledger, address, this.options.access);
  }
}
