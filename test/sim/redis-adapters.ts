// The agent's Redis ports over the model, by the rules of agent/redis/local.ts and remote.ts: one
// connection that polls and carries the role commands, and short visits to other instances.

import type { Clock } from '../../agent/clock.ts';
import type { LocalRedis, RedisResult } from '../../agent/core/model.ts';
import { LIMBO } from '../../agent/core/view.ts';
import type { LocalRedisPort, RemoteRedisPort, RemoteResult } from '../../agent/ports.ts';
import { isolatedTerms, REDIS_WRITE_TERMS } from '../../agent/redis/write-terms.ts';
import { type Look, Reachability } from '../../agent/redis/reachability.ts';
import type { SimNetwork } from './network.ts';
import type { SimTimer } from './ports.ts';
import type { SimProcess } from './process.ts';
import { instanceFrom, RedisConnection, type Replies, startOf } from './redis-connection.ts';
import type { Command } from './redis/protocol.ts';

const RECONNECT_FAST_MS = 5;
const RECONNECT_SLOW_MS = 200;
const FAST_RECONNECTS = 40;
const TIMEOUTS_MAX = 30;
const REDIS_PORT = 6379;
/** The promotion's guard, as agent/redis/commands.ts sets it. */
const GUARD_REPLICAS = 1_000_000;

const INFO: Command = { kind: 'info' };
const TO_LIMBO: Command = { kind: 'replicaof', ...LIMBO };
const CUT_CLIENTS: readonly Command[] = [
  { kind: 'client-kill', type: 'normal' },
  { kind: 'client-kill', type: 'pubsub' },
];

function guard(value: number): Command {
  return { kind: 'config-set', name: 'min-replicas-to-write', value };
}

type Parts = {
  readonly process: SimProcess;
  readonly network: SimNetwork;
  readonly clock: Clock;
  readonly host: string;
  readonly timeoutMs: number;
};

export type LocalParts = Parts & {
  readonly minReplicas: number;
  readonly isolates: boolean;
  readonly onChange: (redis: LocalRedis) => void;
};

/** The commands at once, and INFO right behind them, as agent/redis/commands.ts has it. */
function transaction(
  connection: RedisConnection,
  commands: readonly Command[],
  done: (replies: Replies) => void,
): void {
  let failed: Replies | null = null;
  connection.send(commands, true, (replies) => {
    if (!replies.ok || replies.replies.some(({ kind }) => kind === 'error')) failed = replies;
  });
  connection.send([INFO], false, (replies) => done(failed ?? replies));
}

export class SimLocalRedis implements LocalRedisPort {
  readonly #parts: LocalParts;
  #connection: RedisConnection | null = null;
  #runId = '';
  #recognised = false;
  #startedEpochMs = 0;
  readonly #reachability: Reachability;
  #timeouts = 0;
  #attempts = 0;
  #pollMs = 250;
  #timer: SimTimer | null = null;
  #wait: (() => void) | null = null;

  constructor(parts: LocalParts) {
    this.#parts = parts;
    this.#reachability = new Reachability(parts.clock.now());
  }

  start(): void {
    this.#connect();
  }

  /** As the kernel ends what a dead process had open. */
  die(): void {
    this.#connection?.reset();
    this.#timer?.cancel();
  }

  setPollInterval(ms: number): void {
    const isFaster = ms < this.#pollMs;
    this.#pollMs = ms;
    if (isFaster) this.#wake();
  }

  limbo(cutClients: boolean): Promise<RedisResult> {
    return this.#carryOut([TO_LIMBO, ...(cutClients ? CUT_CLIENTS : [])]);
  }

  replicateFrom(host: string): Promise<RedisResult> {
    if (!this.#recognised) return this.#refuse('Redis has not said yet which process it is');
    return this.#carryOut([{ kind: 'replicaof', host, port: REDIS_PORT }]);
  }

  promote(runId: string, until: number): Promise<RedisResult> {
    if (!this.#recognised) return this.#refuse('Redis has not said yet which process it is');
    if (runId !== this.#runId) return this.#refuse('Redis restarted meanwhile');
    if (this.#parts.clock.now() >= until) return this.#refuse('validity ended');
    return this.#carryOut([guard(GUARD_REPLICAS), { kind: 'replicaof-no-one' }]);
  }

  open(until: number, isolated: boolean): Promise<RedisResult> {
    const { clock, minReplicas, isolates } = this.#parts;
    if (clock.now() >= until) return this.#refuse('validity ended');
    const own = { ...REDIS_WRITE_TERMS, minReplicas };
    const terms = isolated ? isolatedTerms(own) : own;
    const open = guard(terms.minReplicas);
    if (!isolates) return this.#carryOut([open]);
    const name = 'min-replicas-max-lag';
    return this.#carryOut([{ kind: 'config-set', name, value: terms.maxLagSeconds }, open]);
  }

  guard(): Promise<RedisResult> {
    return this.#carryOut([guard(GUARD_REPLICAS)]);
  }

  #refuse(detail: string): Promise<RedisResult> {
    return this.#parts.process.promise((resolve) => resolve({ ok: false, refused: false, detail }));
  }

  #carryOut(commands: readonly Command[]): Promise<RedisResult> {
    const connection = this.#connection;
    if (connection === null) return this.#refuse('no connection to Redis');
    return this.#parts.process.promise((resolve) => {
      transaction(connection, commands, (replies) => {
        const result = instanceFrom(replies, this.#startedEpochMs);
        if (result.ok) this.#reachability.shown(result.instance);
        resolve(result);
      });
    });
  }

  #connect(): void {
    const { process, network, host, timeoutMs } = this.#parts;
    this.#recognised = false;
    let isKnown = false;
    const connection = new RedisConnection({
      process,
      network,
      from: host,
      to: host,
      timeoutMs,
      onOpen: () => {
        this.#connection = connection;
        connection.send([INFO], false, (replies) => {
          isKnown = this.#recognise(connection, replies);
        });
      },
      onEnd: (cause) => {
        if (this.#connection === connection) this.#connection = null;
        if (isKnown) this.#wake();
        else this.#retry({ refused: cause === 'refused', detail: cause });
      },
    });
  }

  #retry(outcome: { refused: boolean; detail: string }): void {
    this.#report(outcome);
    this.#attempts++;
    const ms = this.#attempts < FAST_RECONNECTS ? RECONNECT_FAST_MS : RECONNECT_SLOW_MS;
    this.#pause(ms, () => this.#connect());
  }

  #recognise(connection: RedisConnection, replies: Replies): boolean {
    const epochMs = this.#parts.clock.epochMs();
    const seen = instanceFrom(replies, (info) =>
      info.runId === this.#runId ? this.#startedEpochMs : startOf(info, epochMs),
    );
    if (!seen.ok) {
      if (connection.isOver) return false;
      connection.close();
      this.#connection = null;
      this.#retry(seen);
      return false;
    }
    this.#runId = seen.instance.runId;
    this.#startedEpochMs = seen.instance.startedEpochMs;
    this.#recognised = true;
    this.#attempts = 0;
    this.#report(seen.instance);
    this.#pause(this.#pollMs, () => this.#look());
    return true;
  }

  #look(): void {
    const connection = this.#connection;
    if (connection === null) return this.#connect();
    const { process, clock, timeoutMs } = this.#parts;
    const dueMs = this.#reachability.silenceDueMs(clock.now(), timeoutMs);
    const silence = { refused: false, detail: `no answer for ${timeoutMs} ms` };
    const alarm = process.world.after(dueMs, () => process.run(() => this.#report(silence)));
    connection.send([INFO], false, (replies) => {
      alarm.cancel();
      const seen = instanceFrom(replies, this.#startedEpochMs);
      if (seen.ok) {
        this.#timeouts = 0;
        this.#report(seen.instance);
      } else if (!connection.isOver) {
        this.#report(seen);
        this.#timeouts++;
      }
      if (connection.isOver || this.#timeouts >= TIMEOUTS_MAX) {
        connection.close();
        this.#connection = null;
        this.#timeouts = 0;
        return this.#connect();
      }
      this.#pause(this.#pollMs, () => this.#look());
    });
  }

  #report(seen: Look): void {
    const { clock, onChange } = this.#parts;
    onChange(this.#reachability.after(seen, clock.now()));
  }

  #pause(ms: number, then: () => void): void {
    this.#timer?.cancel();
    const go = (): void => {
      this.#timer?.cancel();
      this.#wait = null;
      then();
    };
    this.#wait = go;
    this.#timer = this.#parts.process.world.after(ms, () => this.#parts.process.run(go));
  }

  #wake(): void {
    // Later: whoever wakes it is in the midst of something.
    if (this.#wait !== null) this.#pause(0, this.#wait);
  }
}

export class SimRemoteRedis implements RemoteRedisPort {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  look(host: string, timeoutMs: number): Promise<RemoteResult> {
    return this.#visit(host, timeoutMs, []);
  }

  fence(host: string, timeoutMs: number): Promise<RemoteResult> {
    return this.#visit(host, timeoutMs, [TO_LIMBO, ...CUT_CLIENTS]);
  }

  hastenSync(host: string, timeoutMs: number): Promise<RemoteResult> {
    const hasten = { kind: 'config-set', name: 'repl-diskless-sync-delay', value: 0 } as const;
    return this.#visit(host, timeoutMs, [hasten]);
  }

  #visit(host: string, timeoutMs: number, commands: readonly Command[]): Promise<RemoteResult> {
    const { process, network, clock, host: from } = this.#parts;
    return process.promise((resolve) => {
      const connection = new RedisConnection({
        process,
        network,
        from,
        to: host,
        timeoutMs,
        onOpen: () =>
          transaction(connection, commands, (replies) => {
            resolve(instanceFrom(replies, (info) => startOf(info, clock.epochMs())));
            connection.close();
          }),
        onEnd: (cause) => resolve({ ok: false, refused: cause === 'refused', detail: cause }),
      });
    });
  }
}
