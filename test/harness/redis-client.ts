// Connections to Redis for tests, with ioredis's helpfulness turned off: no retries, no queue, so
// that a test sees what the server said.

import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { REDIS_PORT } from './free-ports.ts';

export type RedisAccess = {
  readonly user?: string;
  readonly password?: string;
  readonly tls?: boolean;
  /** Files of the certificate that the client shows. */
  readonly tlsClient?: { readonly cert: string; readonly key: string };
};

/** The server's certificate is not checked: what a test wants to know is what the agent checks. */
function tlsOf({ tlsClient }: RedisAccess): object {
  if (tlsClient === undefined) return { rejectUnauthorized: false };
  const { cert, key } = tlsClient;
  return { rejectUnauthorized: false, cert: readFileSync(cert), key: readFileSync(key) };
}

export type ReplicationInfo = {
  readonly role: string;
  readonly masterHost: string;
  readonly linkUp: boolean;
  readonly offset: number;
  readonly replid: string;
  readonly runId: string;
  readonly keys: number;
  readonly uptimeSeconds: number;
};

export function openRedis(address: string, access: RedisAccess, timeoutMs = 1000): Redis {
  const client = new Redis({
    host: address,
    port: REDIS_PORT,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A frozen Redis never closes its end, and ioredis would wait two seconds for that.
    disconnectTimeout: 20,
    protocol: 2,
    ...(access.password === undefined ? {} : { password: access.password }),
    ...(access.user === undefined ? {} : { username: access.user }),
    ...(access.tls === true ? { tls: tlsOf(access) } : {}),
  });
  // The same failure rejects connect() or the command; unheard, the event would end the process.
  client.on('error', () => undefined);
  return client;
}

export async function withRedis<T>(
  address: string,
  access: RedisAccess,
  use: (client: Redis) => Promise<T>,
  timeoutMs = 1000,
): Promise<T> {
  const client = openRedis(address, access, timeoutMs);
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}

/** One command on a connection of its own. */
export async function redisCommand(
  address: string,
  access: RedisAccess,
  command: string,
  ...args: string[]
): Promise<unknown> {
  return await withRedis(
    address,
    access,
    async (client) => await client.call(command, ...args),
    10_000,
  );
}

/** "field:value" lines of INFO. */
function parseInfo(text: string): Map<string, string> {
  const pairs = text
    .split(/\r?\n/)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const);
  return new Map(pairs.filter(([field]) => field !== ''));
}

export async function replicationInfo(
  address: string,
  access: RedisAccess,
): Promise<ReplicationInfo> {
  return await withRedis(address, access, async (client) => {
    const info = parseInfo(await client.info());
    const role = info.get('role') ?? '';
    return {
      role,
      masterHost: info.get('master_host') ?? '',
      linkUp: info.get('master_link_status') === 'up',
      offset: Number(info.get(role === 'slave' ? 'slave_repl_offset' : 'master_repl_offset')),
      replid: info.get('master_replid') ?? '',
      runId: info.get('run_id') ?? '',
      keys: await client.dbsize(),
      uptimeSeconds: Number(info.get('uptime_in_seconds')),
    };
  });
}
