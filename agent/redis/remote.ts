// Short visits to another instance of the group: a look, or limbo before a promotion.

import { Redis } from 'ioredis';
import { messageOf } from '../../src/errors.ts';
import type { Instance } from '../core/model.ts';
import type { RemoteRedisPort, RemoteResult } from '../ports.ts';
import { connectionOptions, isRefusal, type RedisAccess } from './access.ts';
import * as commands from './commands.ts';
import { startedEpochMs } from './instance.ts';
import { isLockedOut } from './reachability.ts';

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
    return { ok: false, refused: isRefusal(detail), locked: isLockedOut(detail), detail };
  } finally {
    redis?.disconnect();
  }
}

/** The other instances of the group, all reached in the same way. */
export class RemoteRedis implements RemoteRedisPort {
  readonly #access: RedisAccess;
  readonly #epochMs: () => number;

  /** `epochMs`: the wall clock, from which the start of a process is reckoned. */
  constructor(access: RedisAccess, epochMs: () => number) {
    this.#access = access;
    this.#epochMs = epochMs;
  }

  look(host: string, timeoutMs: number): Promise<RemoteResult> {
    return visit(this.#access, host, timeoutMs, async (redis) => {
      const server = await commands.serverInfo(redis);
      return commands.look(redis, startedEpochMs(server, this.#epochMs()));
    });
  }

  /**
   * A master without agent waits five seconds before a first sync, by its default; a rolling restart
   * could end it within them. Best effort: a refusal only costs that time.
   */
  hastenSync(host: string, timeoutMs: number): Promise<RemoteResult> {
    return visit(this.#access, host, timeoutMs, async (redis) => {
      await redis.config('SET', 'repl-diskless-sync-delay', '0');
      return commands.look(redis, 0);
    });
  }

  /** The successor's fence (DESIGN 5): the instance is left in limbo, its clients are cut. */
  fence(host: string, timeoutMs: number): Promise<RemoteResult> {
    return visit(this.#access, host, timeoutMs, (redis) =>
      commands.limbo(redis, { cutClients: true, startedEpochMs: 0 }),
    );
  }
}
