// Drives real servers of one version, each on a loopback address of its own.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { instanceOf } from '../../agent/redis/instance.ts';
import { messageOf } from '../../src/errors.ts';
import { integerField, parseInfo } from '../../src/redis-info.ts';
import { PodNetwork, REDIS_PORT } from '../harness/free-ports.ts';
import { openRedis, withRedis } from '../harness/redis-client.ts';
import { startRedis } from '../harness/redis-server.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { ManagedProcess, Workspace } from '../harness/workspace.ts';
import type { RedisVersion } from '../sim/redis/options.ts';
import type { Command } from '../sim/redis/protocol.ts';
import {
  PING_PERIOD_SECONDS,
  type Answer,
  type BenchClient,
  type BenchOptions,
  type Driver,
  type Seen,
} from './bench.ts';

const PATIENCE_MS = 20_000;
/** Longer than a WAIT or a SIGTERM that waits. */
const CLIENT_PATIENCE_MS = 30_000;
const KEY = /^w0*(\d+)$/;

function keyOf(id: number): string {
  return `w${String(id).padStart(9, '0')}`;
}

function flagsOf(options: BenchOptions): string[] {
  const yesNo = (is: boolean | undefined): string | undefined =>
    is === undefined ? undefined : is ? 'yes' : 'no';
  const flags = {
    'min-replicas-to-write': options.minReplicasToWrite,
    'min-replicas-max-lag': options.minReplicasMaxLagSeconds,
    'replica-read-only': yesNo(options.replicaReadOnly),
    'replica-serve-stale-data': yesNo(options.serveStaleData),
    'repl-backlog-size': options.backlogBytes,
    'repl-backlog-ttl': options.backlogTtlSeconds,
    'repl-ping-replica-period': options.pingPeriodSeconds ?? PING_PERIOD_SECONDS,
    'repl-timeout': options.replTimeoutSeconds,
    'replica-priority': options.priority,
    'repl-diskless-sync-delay': 0,
    'rdb-key-save-delay': options.slowSnapshots === true ? 200_000 : undefined,
  };
  return Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
}

export class RealDriver implements Driver {
  readonly version: RedisVersion;
  readonly #program: string;
  readonly #workspace: Workspace;
  readonly #network: PodNetwork;
  readonly #folder: string;
  readonly #addresses = new Map<string, string>();
  readonly #processes = new Map<string, ManagedProcess>();
  readonly #connections: Redis[] = [];

  private constructor(
    target: { version: RedisVersion; program: string; folder: string },
    workspace: Workspace,
    network: PodNetwork,
  ) {
    this.version = target.version;
    this.#program = target.program;
    this.#folder = target.folder;
    this.#workspace = workspace;
    this.#network = network;
  }

  static async open(
    target: { version: RedisVersion; program: string; folder: string },
    workspace: Workspace,
  ): Promise<RealDriver> {
    return new RealDriver(target, workspace, await PodNetwork.claim(workspace));
  }

  /** Ends what it started. */
  async close(): Promise<void> {
    for (const redis of this.#connections) redis.disconnect();
    await Promise.all([...this.#processes.values()].map((each) => each.kill()));
  }

  #address(name: string): string {
    let address = this.#addresses.get(name);
    if (address === undefined) {
      address = this.#network.address();
      this.#addresses.set(name, address);
    }
    return address;
  }

  #process(name: string): ManagedProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`${name} was never started`);
    return process;
  }

  #begin(name: string, options: BenchOptions, args: readonly string[] = []): void {
    const address = this.#address(name);
    const directory = this.#workspace.folder(`${this.#folder}-${name}`);
    const { persistence = 'none', bootFence = false } = options;
    const process = startRedis(this.#workspace, `${this.#folder}-${name}`, {
      address,
      directory,
      persistence,
      bootFence,
      program: this.#program,
      args: [...flagsOf(options), ...args],
    });
    this.#processes.set(name, process);
  }

  async #answers(name: string, is: (redis: Redis) => Promise<boolean>): Promise<void> {
    await this.until(`${name} answers`, async () => {
      return await withRedis(this.#address(name), {}, is, PATIENCE_MS);
    });
  }

  async start(name: string, options: BenchOptions): Promise<void> {
    this.#begin(name, options);
    await this.#answers(name, async (redis) => (await redis.info()).includes('loading:0'));
  }

  /** It sleeps at each of 200,000 commands, and serves its clients once in a thousand. */
  async startLoading(name: string, options: BenchOptions): Promise<void> {
    const directory = this.#workspace.folder(`${this.#folder}-${name}`);
    const command = '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n';
    writeFileSync(join(directory, 'appendonly.aof'), command.repeat(200_000));
    this.#begin(name, { ...options, persistence: 'aof' }, ['--key-load-delay', '1']);
    await this.#answers(name, async (redis) => (await redis.info()).includes('loading:1'));
  }

  async connect(name: string): Promise<BenchClient> {
    const redis = openRedis(this.#address(name), {}, CLIENT_PATIENCE_MS);
    this.#connections.push(redis);
    await redis.connect();
    // The kernel connects; only an answer tells that Redis has taken the connection.
    if (!this.#isFrozen(name)) await redis.ping().catch(() => undefined);
    return {
      post: (commands, transaction = false) => {
        const answers = this.#send(redis, commands, transaction);
        return async () => await answers;
      },
      get isClosed() {
        return redis.status === 'end' || redis.status === 'close';
      },
    };
  }

  async #send(
    redis: Redis,
    commands: readonly Command[],
    transaction: boolean,
  ): Promise<readonly Answer[]> {
    const words = commands.map((command) => this.#words(command));
    if (!transaction) {
      return await Promise.all(
        commands.map(async (command, index) => {
          const [name = '', ...args] = words[index] ?? [];
          const reply = name === 'SUBSCRIBE' ? redis.subscribe(...args) : redis.call(name, ...args);
          return await reply.then((value) => this.#answer(command, value), errorCode);
        }),
      );
    }
    try {
      // ioredis finds the commands of a transaction by their names in lower case.
      const lower = words.map(([name = '', ...args]) => [name.toLowerCase(), ...args]);
      const replies = (await redis.multi(lower).exec()) ?? [];
      return replies.map(([error, value], index) => {
        const command = commands[index] ?? { kind: 'ping' };
        return error === null ? this.#answer(command, value) : errorCode(error);
      });
    } catch (error) {
      return [errorCode(error)];
    }
  }

  #words(command: Command): string[] {
    switch (command.kind) {
      case 'info':
        return ['INFO'];
      case 'ping':
        return ['PING'];
      case 'replicaof': {
        const host = command.port === REDIS_PORT ? this.#address(command.host) : command.host;
        return ['REPLICAOF', host, String(command.port)];
      }
      case 'replicaof-no-one':
        return ['REPLICAOF', 'NO', 'ONE'];
      case 'config-set': {
        const isFlag = command.name === 'replica-read-only';
        const value = isFlag ? (command.value === 1 ? 'yes' : 'no') : String(command.value);
        return ['CONFIG', 'SET', command.name, value];
      }
      case 'config-get':
        return ['CONFIG', 'GET', command.name];
      case 'client-kill':
        return ['CLIENT', 'KILL', 'TYPE', command.type];
      case 'subscribe':
        return ['SUBSCRIBE', 'channel'];
      case 'write':
        return ['SET', keyOf(command.id), 'v'.repeat(command.valueBytes ?? 1)];
      case 'exists':
        return ['EXISTS', keyOf(command.id)];
      case 'keys':
        return ['KEYS', '*'];
      case 'wait':
        return ['WAIT', String(command.replicas), String(command.timeoutMs)];
      case 'shutdown':
        return ['SHUTDOWN', command.save ? 'SAVE' : 'NOSAVE'];
      case 'bgsave':
        return ['BGSAVE'];
    }
  }

  #answer(command: Command, value: unknown): Answer {
    switch (command.kind) {
      case 'info':
        return this.#seen(String(value));
      case 'keys':
        return (value as string[])
          .map((key) => Number(KEY.exec(key)?.[1] ?? -1))
          .sort((a, b) => a - b);
      case 'config-get': {
        const text = (value as string[])[1] ?? '';
        return text === 'yes' ? '1' : text === 'no' ? '0' : text;
      }
      case 'ping':
      case 'subscribe':
      case 'bgsave':
      case 'replicaof':
        return 'OK';
      case 'replicaof-no-one':
      case 'config-set':
      case 'client-kill':
      case 'write':
      case 'exists':
      case 'wait':
      case 'shutdown':
        return String(value);
    }
  }

  #seen(text: string): Seen {
    const instance = instanceOf([text], 0);
    const fields = parseInfo(text);
    if (instance === null) throw new Error(`INFO says ${text.slice(0, 200)}`);
    const { upstream } = instance;
    const { role, linkUp, syncing, loading, offset, replid, replid2 } = instance;
    const { secondOffset, priority, keys, aof } = instance;
    const name = [...this.#addresses].find(([, address]) => address === upstream?.host)?.[0];
    return {
      role,
      upstream: upstream === null ? null : upstream.port === 1 ? 'limbo' : (name ?? upstream.host),
      linkUp,
      syncing,
      loading,
      offset,
      masterOffset: integerField(fields, 'master_repl_offset') ?? -1,
      replid,
      replid2,
      secondOffset,
      priority,
      keys,
      aof,
      connectedReplicas: integerField(fields, 'connected_slaves') ?? -1,
    };
  }

  async kill(name: string): Promise<void> {
    await this.#process(name).kill();
  }

  terminate(name: string): void {
    this.#process(name).signal('SIGTERM');
  }

  async ended(name: string): Promise<void> {
    await this.#process(name).exited;
  }

  #isFrozen(name: string): boolean {
    return /\) T /.test(readFileSync(`/proc/${this.#process(name).pid}/stat`, 'utf8'));
  }

  async freeze(name: string): Promise<void> {
    this.#process(name).signal('SIGSTOP');
    const isFrozen = (): boolean => this.#isFrozen(name);
    await waitFor('it is frozen', isFrozen, { timeoutMs: PATIENCE_MS, everyMs: 1 });
  }

  async thaw(name: string): Promise<void> {
    this.#process(name).signal('SIGCONT');
    await pause(1);
  }

  /** A folder in the place of the file: it cannot be renamed over. */
  async breakDisk(name: string): Promise<void> {
    mkdirSync(join(this.#workspace.folder(`${this.#folder}-${name}`), 'dump.rdb', 'in-the-way'), {
      recursive: true,
    });
    await withRedis(this.#address(name), {}, async (redis) => await redis.call('BGSAVE'));
    await this.#answers(name, async (redis) => {
      return (await redis.info('persistence')).includes('rdb_last_bgsave_status:err');
    });
  }

  async pass(ms: number): Promise<void> {
    await pause(ms);
  }

  async until(what: string, check: () => Promise<boolean>): Promise<void> {
    await waitFor(what, check, { timeoutMs: PATIENCE_MS, everyMs: 5 });
  }
}

function errorCode(error: unknown): string {
  const message = messageOf(error);
  return /^[A-Z]{3,}/.exec(message)?.[0] ?? (message.includes('closed') ? 'CLOSED' : message);
}
