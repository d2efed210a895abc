// How to reach and authenticate to a Redis of the group: address, TLS, password. Passwords from
// files are read again at every connection, so that a rotation needs no restart.

import { readFileSync } from 'node:fs';
import type { RedisOptions } from 'ioredis';
import { OrchestratorError, messageOf } from '../../src/errors.ts';
import { configPassword } from './config-password.ts';
import { HeardConnector } from './connector.ts';

/** Whether the cause of a failed connection is that nobody listens: the process is gone. */
export function isRefusal(detail: string): boolean {
  return detail.includes('ECONNREFUSED');
}

export type RedisAccess = {
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
  readonly configFile: string | undefined;
  readonly tls: boolean;
  readonly tlsCa: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsServerName: string | undefined;
  readonly tlsSkipVerify: boolean;
};

function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new OrchestratorError('RO_CONFIG_INVALID', `${flag}: ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

export function currentPassword(access: RedisAccess): string | undefined {
  if (access.password !== undefined) return access.password;
  if (access.passwordFile !== undefined) {
    return readText('--redis-password-file', access.passwordFile).trim();
  }
  if (access.configFile === undefined) return undefined;
  return configPassword(access.configFile);
}

function tlsOptions(access: RedisAccess, host: string): NonNullable<RedisOptions['tls']> {
  const read = (flag: string, file: string | undefined) =>
    file === undefined ? undefined : readText(flag, file);
  const ca = read('--redis-tls-ca', access.tlsCa);
  const cert = read('--redis-tls-cert', access.tlsCert);
  const key = read('--redis-tls-key', access.tlsKey);
  return {
    rejectUnauthorized: !access.tlsSkipVerify,
    servername: access.tlsServerName ?? (/^[\d.]+$|:/.test(host) ? '' : host),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // Peers are reached by IP; certificates name Services. The chain is checked, not the address.
    ...(access.tlsServerName === undefined ? { checkServerIdentity: () => undefined } : {}),
  };
}

/** A frozen Redis never closes its end, and ioredis would wait two seconds for that. */
const HANG_UP_MS = 20;

/** Options of one connection that never queues, never retries and never reconnects by itself. */
export function connectionOptions(
  access: RedisAccess,
  host: string,
  timeoutMs: number,
): Omit<RedisOptions, 'replyMapping'> {
  const password = currentPassword(access);
  return {
    host,
    port: access.port,
    Connector: HeardConnector,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    disableClientInfo: true,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    noDelay: true,
    protocol: 2,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    disconnectTimeout: HANG_UP_MS,
    ...(access.user === undefined ? {} : { username: access.user }),
    ...(password === undefined ? {} : { password }),
    ...(access.tls ? { tls: tlsOptions(access, host) } : {}),
  };
}
