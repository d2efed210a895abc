// The few commands that we send to a Redis. Each is one round trip and returns what INFO said.

import type { Redis } from 'ioredis';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import type { Instance } from '../core/model.ts';
import { LIMBO } from '../core/view.ts';
import { INFO_SECTIONS, instanceOf } from './instance.ts';
import { GUARD_REPLICAS, type WriteTerms } from './write-terms.ts';

type Command = readonly [string, ...string[]];
type Reply = [error: Error | null, result: unknown];

const LOOK: readonly Command[] = INFO_SECTIONS.map((section) => ['info', section] as const);

function textsOf(replies: readonly Reply[]): string[] {
  return replies.map(([error, result]) => {
    if (error !== null) throw error;
    return String(result);
  });
}

function read(replies: readonly Reply[], startedEpochMs: number): Instance {
  const instance = instanceOf(textsOf(replies), startedEpochMs);
  if (instance === null) {
    throw new OrchestratorError('RO_REDIS_NOT_MANAGEABLE', 'INFO names no run_id or role');
  }
  return instance;
}

/**
 * The commands as a transaction, and what INFO says right behind it, in one round trip. Not within it:
 * there Redis 6.0 leaves an EXEC of 14 bytes in the stream of a master that the transaction made a
 * replica, and who continues from that stream one day reads from the midst of a command.
 */
async function transaction(
  redis: Redis,
  commands: readonly Command[],
  startedEpochMs: number,
): Promise<Instance> {
  const lines = [['multi'], ...commands.map((command) => [...command]), ['exec'], ...LOOK];
  const replies = (await redis.pipeline(lines.map((line) => [...line])).exec()) ?? [];
  const before = replies.slice(0, -LOOK.length);
  // What refused a command tells more than the EXECABORT behind it.
  for (const [error] of before) if (error !== null) throw error;
  const results = before.at(-1)?.[1];
  if (!Array.isArray(results)) throw new Error('the transaction was aborted');
  for (const result of results) if (result instanceof Error) throw result;
  return read(replies.slice(-LOOK.length), startedEpochMs);
}

export async function look(redis: Redis, startedEpochMs: number): Promise<Instance> {
  const replies = await redis.pipeline(LOOK.map((command) => [...command])).exec();
  return read(replies ?? [], startedEpochMs);
}

/** Text of INFO server: the first question on a new connection. */
export async function serverInfo(redis: Redis): Promise<string> {
  return await redis.info('server');
}

/** Somebody may have changed it at run time: without it a replica takes writes, also one in limbo. */
const READ_ONLY: Command = ['config', 'set', 'replica-read-only', 'yes'];

/** The first of these transactions that our rights allow; the last one is what matters most. */
async function firstAllowed(
  redis: Redis,
  variants: readonly (readonly Command[])[],
  startedEpochMs: number,
): Promise<Instance> {
  for (const commands of variants.slice(0, -1)) {
    try {
      return await transaction(redis, commands, startedEpochMs);
    } catch (error) {
      if (!/EXECABORT|NOPERM|unknown command/i.test(messageOf(error))) throw error;
    }
  }
  return await transaction(redis, variants.at(-1) ?? [], startedEpochMs);
}

/**
 * Our one fence: read-only, replicating from nobody, with the final offset sampled atomically.
 * Clients of a deposed master are cut, so that they reconnect to the new one.
 */
export async function limbo(
  redis: Redis,
  options: { cutClients: boolean; startedEpochMs: number },
): Promise<Instance> {
  const fence: Command = ['replicaof', LIMBO.host, String(LIMBO.port)];
  const cut: Command[] = [
    ['client', 'kill', 'type', 'normal'],
    ['client', 'kill', 'type', 'pubsub'],
  ];
  // Without the right to cut clients the fence must stand all the same.
  const closed = [READ_ONLY, fence];
  const variants = options.cutClients ? [[...closed, ...cut], closed, [fence]] : [closed, [fence]];
  return await firstAllowed(redis, variants, options.startedEpochMs);
}

/** A replica that somebody opened for writes refuses them again. */
export async function closeReplica(redis: Redis, startedEpochMs: number): Promise<Instance> {
  return await transaction(redis, [READ_ONLY], startedEpochMs);
}

export async function replicateFrom(
  redis: Redis,
  host: string,
  port: number,
  startedEpochMs: number,
): Promise<Instance> {
  const attach: Command = ['replicaof', host, String(port)];
  return await firstAllowed(redis, [[READ_ONLY, attach], [attach]], startedEpochMs);
}

const GUARD: Command = ['config', 'set', 'min-replicas-to-write', String(GUARD_REPLICAS)];

/** The guard alone: a master that refuses writes while its replicas get the last ones. */
export async function refuseWrites(redis: Redis, startedEpochMs: number): Promise<Instance> {
  return await transaction(redis, [GUARD], startedEpochMs);
}

/** NO ONE behind the guard: a late execution on a thawed Redis still accepts no write. */
export async function promoteGuarded(redis: Redis, startedEpochMs: number): Promise<Instance> {
  return await transaction(redis, [GUARD, ['replicaof', 'no', 'one']], startedEpochMs);
}

/** Opens writes on these terms, never with the guard that may stand; without a lag, that stays. */
export async function openWrites(
  redis: Redis,
  { minReplicas, maxLagSeconds }: Pick<WriteTerms, 'minReplicas'> & Partial<WriteTerms>,
  startedEpochMs: number,
): Promise<Instance> {
  const lag: Command[] =
    maxLagSeconds === undefined
      ? []
      : [['config', 'set', 'min-replicas-max-lag', String(maxLagSeconds)]];
  const open: Command = ['config', 'set', 'min-replicas-to-write', String(minReplicas)];
  return await transaction(redis, [...lag, open], startedEpochMs);
}

const BACKLOG_MIN_BYTES = 64 * 1024 * 1024;

/** A setting as Redis tells it, or '' where it knows none of that name. */
export async function configText(redis: Redis, name: string): Promise<string> {
  const reply = await redis.config('GET', name);
  return Array.isArray(reply) ? (reply[1] ?? '') : '';
}

export async function configNumber(redis: Redis, name: string): Promise<number> {
  const text = await configText(redis, name);
  return text === '' ? Number.NaN : Number(text);
}

/**
 * Settings without which a role change could not work (DESIGN 7). Returns what was refused:
 * each text names the command and what its lack costs.
 */
export async function prepare(
  redis: Redis,
  auth: { user: string | undefined; password: string | undefined; tls: boolean },
): Promise<readonly string[]> {
  const settings: [name: string, value: string, cost: string][] = [
    ['replica-read-only', 'yes', 'a fenced instance would accept writes'],
    ['repl-diskless-sync-delay', '0', 'the first sync starts five seconds later'],
  ];
  if (auth.password !== undefined) {
    settings.push(['masterauth', auth.password, 'a replica cannot log in to the master']);
    if (auth.user !== undefined) {
      settings.push(['masteruser', auth.user, 'a replica cannot log in to the master']);
    }
  }
  if (auth.tls) settings.push(['tls-replication', 'yes', 'replication would not use TLS']);
  const refused: string[] = [];
  for (const [name, value, cost] of settings) {
    try {
      await redis.config('SET', name, value);
    } catch (error) {
      // Of a command that it does not know, Redis repeats the arguments: a password, here.
      const reason = messageOf(error).replace(/, with args beginning with:.*/s, '');
      refused.push(`CONFIG SET ${name}: ${reason} (${cost})`);
    }
  }
  await raiseBacklog(redis).catch((error: unknown) => {
    refused.push(`CONFIG SET repl-backlog-size: ${messageOf(error)} (more full syncs)`);
  });
  return refused;
}

/** With the default of 1 MB a short break ends in a full sync; a small maxmemory forbids more. */
async function raiseBacklog(redis: Redis): Promise<void> {
  const [backlog, maxmemory] = [
    await configNumber(redis, 'repl-backlog-size'),
    await configNumber(redis, 'maxmemory'),
  ];
  const isRoomy = maxmemory === 0 || maxmemory >= BACKLOG_MIN_BYTES * 8;
  if (backlog >= BACKLOG_MIN_BYTES || !isRoomy) return;
  await redis.config('SET', 'repl-backlog-size', String(BACKLOG_MIN_BYTES));
}
