// What the tests of the Redis adapter share: real servers, each on a loopback address of its own,
// reached by the agent's own connections.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { systemClock } from '../../agent/clock.ts';
import type { Instance } from '../../agent/core/model.ts';
import { connectionOptions, type RedisAccess } from '../../agent/redis/access.ts';
import { look } from '../../agent/redis/commands.ts';
import { RemoteRedis } from '../../agent/redis/remote.ts';
import {
  createAuthority,
  issueCertificate,
  type TlsFiles,
  writeTlsFiles,
} from '../harness/certificates.ts';
import { PodNetwork, REDIS_PORT } from '../harness/free-ports.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { redisVersion, type RedisOptions, startRedis } from '../harness/redis-server.ts';
import { waitFor } from '../harness/wait-for.ts';
import { type ManagedProcess, Workspace } from '../harness/workspace.ts';

/** Longer than any stall of a busy machine; a test that passes never waits for it. */
export const PATIENCE_MS = 10_000;

/** Redis before 7.0 drops its replicas' links when it is told to replicate from somebody. */
export const REDIS_MAJOR = Number.parseInt(redisVersion(), 10);
export const KEEPS_REPLICA_LINKS = REDIS_MAJOR >= 7;

const NO_ACCESS: RedisAccess = {
  port: REDIS_PORT,
  user: undefined,
  password: undefined,
  passwordFile: undefined,
  configFile: undefined,
  tls: false,
  tlsCa: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  tlsServerName: undefined,
  tlsSkipVerify: false,
};

export function accessWith(access: Partial<RedisAccess> = {}): RedisAccess {
  return { ...NO_ACCESS, ...access };
}

export function remoteWith(access: RedisAccess): RemoteRedis {
  return new RemoteRedis(access, () => systemClock.epochMs());
}

export class Server {
  readonly address: string;
  readonly process: ManagedProcess;
  readonly access: { readonly password?: string; readonly tls?: boolean };

  constructor(process: ManagedProcess, options: RedisOptions) {
    this.address = options.address;
    this.process = process;
    this.access = {
      ...(options.password === undefined ? {} : { password: options.password }),
      tls: options.tls !== undefined,
    };
  }

  /** The same server, after somebody changed its password. */
  withPassword(password: string): Server {
    return new Server(this.process, { address: this.address, directory: '', password });
  }

  /** One command of a person: on a connection of its own, as the default user. */
  async command(command: string, ...args: string[]): Promise<unknown> {
    return await redisCommand(this.address, this.access, command, ...args);
  }

  async setting(name: string): Promise<string> {
    const reply = (await this.command('CONFIG', 'GET', name)) as string[];
    return reply[1] ?? '';
  }

  async get(key: string): Promise<unknown> {
    return await this.command('GET', key);
  }

  /** Ids of the connections of a type (normal, pubsub, replica). */
  async clients(type: 'normal' | 'pubsub' | 'replica'): Promise<string[]> {
    const list = String(await this.command('CLIENT', 'LIST', 'TYPE', type));
    return [...list.matchAll(/^id=(\d+)/gm)].map((match) => match[1] ?? '');
  }

  /** Returns when the kernel has stopped it; until the test ends at the latest. */
  async freeze(): Promise<void> {
    this.process.signal('SIGSTOP');
    const isStopped = (): boolean =>
      /\) T /.test(readFileSync(`/proc/${this.process.pid}/stat`, 'utf8'));
    await waitFor('it is frozen', isStopped, { timeoutMs: PATIENCE_MS, everyMs: 1 });
  }

  thaw(): void {
    this.process.signal('SIGCONT');
  }
}

export type ServeOptions = Partial<Omit<RedisOptions, 'directory'>> & {
  readonly directory?: string;
  /** Returns before it answers. */
  readonly unready?: boolean;
};

/** Starts the servers of one test file; all of them end with it. */
export class Stage {
  readonly workspace: Workspace;
  readonly network: PodNetwork;
  private count = 0;

  private constructor(network: PodNetwork, workspace: Workspace) {
    this.network = network;
    this.workspace = workspace;
  }

  static async open(t: Test): Promise<Stage> {
    const workspace = new Workspace();
    t.teardown(async () => await workspace.close());
    t.comment(`Redis ${redisVersion()} (${process.env['RO_REDIS_SERVER'] ?? 'redis-server'})`);
    return new Stage(await PodNetwork.claim(workspace), workspace);
  }

  folder(): string {
    return this.workspace.folder(`redis-${++this.count}`);
  }

  async serve(options: ServeOptions = {}): Promise<Server> {
    const { unready, ...rest } = options;
    const complete: RedisOptions = {
      address: this.network.address(),
      directory: this.folder(),
      persistence: 'none',
      ...rest,
    };
    const name = `redis-${complete.address}-${++this.count}`;
    const server = new Server(startRedis(this.workspace, name, complete), complete);
    if (unready !== true) await answers(server);
    return server;
  }

  /** A master with a replica whose link is up. */
  async pair(): Promise<{ master: Server; replica: Server }> {
    const args = ['--repl-diskless-sync-delay', '0'];
    const [master, replica] = await Promise.all([this.serve({ args }), this.serve({ args })]);
    await replica.command('REPLICAOF', master.address, String(REDIS_PORT));
    await followed(replica);
    return { master, replica };
  }

  /**
   * An instance that reads its data, and will for many seconds: it sleeps at each of 200,000
   * commands, and serves its clients once in a thousand.
   */
  async loading(options: ServeOptions = {}): Promise<Server> {
    const directory = this.folder();
    const command = '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n';
    writeFileSync(join(directory, 'appendonly.aof'), command.repeat(200_000));
    const args = ['--key-load-delay', '1'];
    const server = await this.serve({
      directory,
      persistence: 'aof',
      args,
      unready: true,
      ...options,
    });
    await shows(server, 'loads', (seen) => seen.loading);
    return server;
  }

  /** Files of a new authority, and of a certificate for redis.shop. */
  async certificates(notAfter?: Date): Promise<TlsFiles> {
    const authority = await createAuthority('redis-ca');
    const issued = await issueCertificate(authority, 'redis', { dns: ['redis.shop'] }, notAfter);
    return writeTlsFiles(this.folder(), authority, issued);
  }
}

/** A connection as the agent makes it; ends with the test. */
export async function connect(
  t: Test,
  server: Server,
  access: Partial<RedisAccess> = {},
  timeoutMs = PATIENCE_MS,
): Promise<Redis> {
  const redis = new Redis(connectionOptions(accessWith(access), server.address, timeoutMs));
  // The same failure rejects the command; unheard, the event would end the process.
  redis.on('error', () => undefined);
  t.teardown(() => redis.disconnect());
  await redis.connect();
  // The kernel connects; only an answer tells that Redis has taken the connection, and can cut it.
  await redis.ping().catch(() => undefined);
  return redis;
}

/** On a connection of its own. */
async function once<T>(server: Server, use: (redis: Redis) => Promise<T>): Promise<T> {
  return await withRedis(server.address, server.access, use, PATIENCE_MS);
}

export async function lookOnce(server: Server): Promise<Instance> {
  return await once(server, async (redis) => await look(redis, 0));
}

/** Waits until it does, and lets us in. */
export async function answers(server: Server): Promise<void> {
  const isReady = async (): Promise<boolean> =>
    (await once(server, async (redis) => await redis.ping())) === 'PONG';
  const picture = (): string => server.process.tail();
  await waitFor(`${server.address} answers`, isReady, { timeoutMs: PATIENCE_MS, picture });
}

/** Waits until a look at the server shows this. */
export async function shows(
  server: Server,
  what: string,
  is: (instance: Instance) => boolean,
): Promise<Instance> {
  let last: Instance | undefined;
  return await waitFor(
    `${server.address} ${what}`,
    async () => {
      last = await lookOnce(server);
      return is(last) ? last : undefined;
    },
    { timeoutMs: PATIENCE_MS, everyMs: 5, picture: () => JSON.stringify(last) },
  );
}

/** Waits until the replica's link is up. */
export async function followed(replica: Server): Promise<Instance> {
  return await shows(replica, 'follows its master', (instance) => instance.linkUp);
}

/** What a write answers: OK, or the error's first word. */
export async function write(redis: Redis, key = 'key', value = 'value'): Promise<string> {
  return await redis.set(key, value).then(String, (error: Error) => {
    return error.message.split(' ')[0] ?? '';
  });
}
