// A program's connection to a modelled Redis, as ioredis keeps it: replies in order, a timeout for each
// command whose late reply goes to nobody, and every open command failed when the connection ends.

import type { RedisResult } from '../../agent/core/model.ts';
import type { SimNetwork } from './network.ts';
import type { CloseCause, SimTimer, Socket } from './ports.ts';
import type { SimProcess } from './process.ts';
import type { Batch, Command, FromRedis, RedisInfo, Reply } from './redis/protocol.ts';

export type Replies =
  | { readonly ok: true; readonly replies: readonly Reply[] }
  | { readonly ok: false; readonly refused: boolean; readonly detail: string };

type Waiting = { readonly timer: SimTimer; readonly done: (replies: Replies) => void };

export class RedisConnection {
  readonly #process: SimProcess;
  readonly #timeoutMs: number;
  readonly #socket: Socket<Batch>;
  readonly #waiting: Waiting[] = [];
  readonly #onEnd: (cause: CloseCause) => void;
  #isOver = false;

  constructor(options: {
    readonly process: SimProcess;
    readonly network: SimNetwork;
    readonly from: string;
    readonly to: string;
    readonly timeoutMs: number;
    readonly onOpen: () => void;
    readonly onEnd: (cause: CloseCause) => void;
  }) {
    const { process, network, from, to, timeoutMs, onOpen, onEnd } = options;
    this.#process = process;
    this.#timeoutMs = timeoutMs;
    this.#onEnd = onEnd;
    const giveUp = process.world.after(timeoutMs, () => process.run(() => this.#end('timeout')));
    this.#socket = network.connect<FromRedis, Batch>(from, to, 'redis', {
      onOpen: () => {
        giveUp.cancel();
        process.run(() => {
          if (!this.#isOver) onOpen();
        });
      },
      onMessage: (message) => process.run(() => this.#receive(message)),
      onClose: (cause) => {
        giveUp.cancel();
        process.run(() => this.#end(cause));
      },
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  send(commands: readonly Command[], transaction: boolean, done: (replies: Replies) => void): void {
    if (this.#isOver) return done({ ok: false, refused: false, detail: 'no connection to Redis' });
    const { world } = this.#process;
    let isDone = false;
    const finish = (replies: Replies): void => {
      if (isDone) return;
      isDone = true;
      timer.cancel();
      done(replies);
    };
    const late = { ok: false, refused: false, detail: 'Command timed out' } as const;
    const timer = world.after(this.#timeoutMs, () => this.#process.run(() => finish(late)));
    this.#waiting.push({ timer, done: finish });
    this.#socket.send({ kind: 'batch', commands, transaction });
  }

  /** Hangs up; `onEnd` is not called. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.close();
    this.#failAll('Connection is closed.');
  }

  /** As the kernel ends it when its program dies. */
  reset(): void {
    this.#isOver = true;
    this.#socket.reset();
  }

  #receive(message: FromRedis): void {
    if (message.kind !== 'replies') return;
    this.#waiting.shift()?.done({ ok: true, replies: message.replies });
  }

  #end(cause: CloseCause): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (cause === 'timeout') this.#socket.close();
    this.#failAll('Connection is closed.');
    this.#onEnd(cause);
  }

  #failAll(detail: string): void {
    for (const { done } of this.#waiting.splice(0)) done({ ok: false, refused: false, detail });
  }
}

/** Start of the process on the wall clock, by its uptime in whole seconds. */
export function startOf({ uptimeSeconds }: RedisInfo, epochMs: number): number {
  return epochMs - uptimeSeconds * 1000;
}

/** The last INFO of a batch, or why there is none. */
export function instanceFrom(
  result: Replies,
  startedEpochMs: number | ((info: RedisInfo) => number),
): RedisResult {
  if (!result.ok) return result;
  for (const reply of result.replies) {
    if (reply.kind === 'error')
      return { ok: false, refused: false, detail: reply.code, replied: true };
  }
  const last = result.replies.findLast((reply) => reply.kind === 'info');
  if (last === undefined) return { ok: false, refused: false, detail: 'INFO was not answered' };
  const {
    uptimeSeconds: _uptime,
    masterOffset: _offset,
    connectedReplicas: _replicas,
    ...seen
  } = last.info;
  const started = typeof startedEpochMs === 'number' ? startedEpochMs : startedEpochMs(last.info);
  return { ok: true, instance: { ...seen, startedEpochMs: started } };
}
