// A writing client for measurements: it polls the data nodes themselves, so that it is helped by no
// discovery, over connections that are open already, and speaks the protocol by hand: what measures
// must take little of the machine that is measured.

import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { REDIS_PORT } from './free-ports.ts';
import type { Acknowledged } from './ledger.ts';

/** A cut connection is opened again at once, one that is refused after this. */
const REFUSED_RETRY_MS = 10;
const ROUND_MS = 1;

function encoded(...words: readonly string[]): string {
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulk.join('')}`;
}

/** One connection that is always being kept open; one command at a time. */
class Link {
  readonly address: string;
  /** When the peer closed an open connection, each time. */
  readonly closedAtMs: number[] = [];
  private socket: Socket | undefined;
  private isOpen = false;
  private isEnding = false;
  private pending = '';
  private answer: ((line: string | undefined) => void) | undefined;

  constructor(address: string) {
    this.address = address;
    this.open();
  }

  private open(): void {
    if (this.isEnding) return;
    const socket = connect({ host: this.address, port: REDIS_PORT, noDelay: true });
    this.socket = socket;
    socket.on('connect', () => (this.isOpen = true));
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const wasOpen = this.isOpen;
      this.isOpen = false;
      this.pending = '';
      if (wasOpen) this.closedAtMs.push(performance.now());
      this.settle(undefined);
      if (wasOpen) this.open();
      else setTimeout(() => this.open(), REFUSED_RETRY_MS).unref();
    });
  }

  private receive(bytes: Buffer): void {
    this.pending += bytes.toString('latin1');
    const end = this.pending.indexOf('\r\n');
    if (end < 0) return;
    const line = this.pending.slice(0, end);
    this.pending = '';
    this.settle(line);
  }

  private settle(line: string | undefined): void {
    const { answer } = this;
    this.answer = undefined;
    answer?.(line);
  }

  /** The reply's line; undefined where there is no connection, or it was cut meanwhile. */
  async call(...words: readonly string[]): Promise<string | undefined> {
    const { socket } = this;
    if (!this.isOpen || socket === undefined) return undefined;
    return await new Promise((resolve) => {
      this.answer = resolve;
      socket.write(encoded(...words));
    });
  }

  end(): void {
    this.isEnding = true;
    this.socket?.destroy();
  }
}

export type DirectWriterOptions = {
  /** Tried in turn, each next one as soon as the one before it refuses. */
  readonly addresses: readonly string[];
  readonly prefix: string;
  /** Pause after each write and each refusal; without it 1 ms after a write and after a round. */
  readonly everyMs?: number;
  /** Where each acknowledged write is told; several writers may share one. */
  readonly ledger: Acknowledged[];
  readonly onWritten?: (written: Acknowledged) => void;
};

export class DirectWriter {
  private readonly options: DirectWriterOptions;
  private readonly links: readonly Link[];
  private readonly loop: Promise<void>;
  private isStopping = false;
  private next = 0;

  constructor(options: DirectWriterOptions) {
    this.options = options;
    this.links = options.addresses.map((address) => new Link(address));
    this.loop = this.run();
  }

  private async run(): Promise<void> {
    let current = 0;
    let refusals = 0;
    const { everyMs } = this.options;
    while (!this.isStopping) {
      const link = this.links[current % this.links.length];
      if (link !== undefined && (await this.write(link))) {
        refusals = 0;
        await pause(everyMs ?? ROUND_MS);
        continue;
      }
      current++;
      const isRound = ++refusals % this.links.length === 0;
      if (everyMs !== undefined || isRound) await pause(everyMs ?? ROUND_MS);
    }
  }

  private async write(link: Link): Promise<boolean> {
    const number = this.next++;
    const key = `${this.options.prefix}:${number}`;
    const value = String(number);
    const sentMs = performance.now();
    if ((await link.call('SET', key, value)) !== '+OK') return false;
    const written = { key, value, sentMs, atMs: performance.now(), address: link.address };
    this.options.ledger.push(written);
    this.options.onWritten?.(written);
    return true;
  }

  /** When an open connection was closed by the other end for the first time after `markMs`. */
  closedAfter(markMs: number): number | undefined {
    return this.links
      .flatMap((link) => link.closedAtMs)
      .filter((at) => at > markMs)
      .sort((left, right) => left - right)[0];
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    for (const link of this.links) link.end();
    await this.loop;
  }
}
