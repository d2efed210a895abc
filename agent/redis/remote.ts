// Short visits to another instance of the group: a look, or limbo before a promotion.

import { Redis } from 'ioredis';
import { messageOf } from '../../src/errors.ts';
import type { Instance } from '../core/model.ts';
import { connectionOptions, isRefusal, type RedisAccess } from './access.ts';
import * as commands from './commands.ts';
import { startedEpochMs } from './instance.ts';

export type RemoteResult =
  | { readonly ok: true; readonly instance: Instance }
  | { readonly ok: false; readonly refused: boolean; readonly detail: string };

async function visit(
  access: RedisAccess,
  host: string,
  timeoutMs: number,
  run: (redis: Redis) => Promise<Instance>,
): Promise<RemoteResult> {
  let cause = '';
  let redis: Redis | null = null;
  try {
    redis = new Redis(connectionOptions(access, host, timeoutMs));
    redis.on('error', (error: Error) => {
      cause = messageOf(error);
    });
    await redis.connect();
    return { ok: true, instance: await run(redis) };
  } catch (error) {
    const detail = cause === '' ? messageOf(error) : cause;
    return { ok: false, refused: isRefusal(detail), detail };
  } finally {
    redis?.disconnect();
  }
}

export function lookAt(
  access: RedisAccess,
  host: string,
  timeoutMs: number,
  epochMs: number,
): Promise<RemoteResult> {
  return visit(access, host, timeoutMs, async (redis) => {
    const server = await commands.serverInfo(redis);
    return commands.look(redis, startedEpochMs(server, epochMs));
  });
}

/**
 * A master without agent waits five seconds before a first sync, by its default; a rolling restart
 * could end it within them. Best effort: a refusal only costs that time.
 */
export function hastenSync(
  access: RedisAccess,
  host: string,
  timeoutMs: number,
): Promise<RemoteResult> {
  return visit(access, host, timeoutMs, async (redis) => {
    await redis.config('SET', 'repl-diskless-sync-delay', '0');
    return commands.look(redis, 0);
  });
}

/** The successor's fence (DESIGN 5): the instance is left in limbo, its clients are cut. */
export function fence(access: RedisAccess, host: string, timeoutMs: number): Promise<RemoteResult> {
  return visit(access, host, timeoutMs, (redis) =>
    commands.limbo(redis, { cutClients: true, startedEpochMs: 0 }),
  );
}
