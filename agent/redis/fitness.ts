// What of an instance's settings and of our rights on it keeps it from its part. Every question is a
// command that changes nothing, whatever the answer; who is not answered knows of no obstacle.

import type { Redis } from 'ioredis';
import { messageOf } from '../../src/errors.ts';
import type { Obstacle } from '../core/model.ts';
import { configText } from './commands.ts';

type Need = {
  readonly name: string;
  /** As an ACL names it. */
  readonly rule: string;
  /** Refused by Redis itself, after the ACL let it through. */
  readonly probe: readonly [string, ...string[]];
  /** Without it no promotion and no fence is whole. */
  readonly isVital: boolean;
};

const NEEDS: readonly Need[] = [
  {
    name: 'CONFIG GET',
    rule: '+config|get',
    probe: ['config', 'get', 'min-replicas-to-write'],
    isVital: false,
  },
  {
    name: 'CONFIG SET',
    rule: '+config|set',
    probe: ['config', 'set', 'no-such-parameter', '1'],
    isVital: true,
  },
  {
    name: 'REPLICAOF',
    rule: '+replicaof',
    probe: ['replicaof', '127.0.0.1', 'no-port'],
    isVital: true,
  },
  {
    name: 'CLIENT KILL',
    rule: '+client|kill',
    probe: ['client', 'kill', 'type', 'no-such-type'],
    isVital: false,
  },
  { name: 'EXEC', rule: '+exec', probe: ['exec'], isVital: true },
];
const MULTI: Need = { name: 'MULTI', rule: '+multi', probe: ['multi'], isVital: true };

/** By an ACL, or because somebody renamed it. */
const DENIED = /\bNOPERM\b|unknown command|unknown subcommand/i;
const LOOPBACK = /^-?(127\.0\.0\.1|::1|localhost)$/;

async function isDenied(redis: Redis, [command, ...args]: Need['probe']): Promise<boolean> {
  const asked = redis.call(command, ...args);
  return await asked.then(
    () => false,
    (error: unknown) => DENIED.test(messageOf(error)),
  );
}

async function deniedCommands(redis: Redis): Promise<readonly Need[]> {
  const answers = NEEDS.map(async (need) => ({ need, no: await isDenied(redis, need.probe) }));
  const denied = (await Promise.all(answers)).filter(({ no }) => no).map(({ need }) => need);
  // A transaction that cannot be ended would swallow all that follows.
  if (denied.some(({ name }) => name === 'EXEC')) return denied;
  const replies = (await redis.pipeline([['multi'], ['exec']]).exec()) ?? [];
  const isRefused = DENIED.test(replies[0]?.[0]?.message ?? '');
  return isRefused ? [...denied, MULTI] : denied;
}

function denial(denied: readonly Need[], user: string | undefined): Obstacle | null {
  if (denied.length === 0) return null;
  const names = denied.map(({ name }) => name).join(', ');
  const rules = denied.map(({ rule }) => rule).join(' ');
  const isVital = denied.some((need) => need.isVital);
  const cost = isVital
    ? 'it cannot be made master, so it is left as it is'
    : denied.some(({ name }) => name === 'CLIENT KILL')
      ? 'its clients stay connected when it is deposed, until they are answered READONLY'
      : 'its own min-replicas-to-write and bind are not known';
  const remedy = `ACL SETUSER ${user ?? 'default'} ${rules}, and no rename-command for them`;
  const problem = `RO_REDIS_COMMAND_DENIED: Redis denies its agent ${names}: ${cost}. Remedy: ${remedy}`;
  return { kind: isVital ? 'denied' : 'weaker', problem };
}

/** Whoever connects as nobody in particular is let in: what protected mode is about. */
async function isOpen(redis: Redis): Promise<boolean> {
  if ((await configText(redis, 'requirepass')) !== '') return false;
  const user: unknown = await redis.call('acl', 'getuser', 'default');
  const flags: unknown = Array.isArray(user) ? user[user.indexOf('flags') + 1] : null;
  return Array.isArray(flags) && flags.includes('nopass');
}

/** `version`: since 7.0 protected mode counts whatever is bound. */
async function concealment(redis: Redis, version: string): Promise<string | null> {
  const bound = (await configText(redis, 'bind')).split(/\s+/).filter((each) => each !== '');
  if (bound.length > 0 && bound.every((address) => LOOPBACK.test(address))) {
    return `bind ${bound.join(' ')} lets nobody else reach this Redis. Remedy: bind * (or the address of the pod)`;
  }
  if ((await configText(redis, 'protected-mode')) !== 'yes') return null;
  const isProtected = Number.parseInt(version, 10) >= 7 || bound.length === 0;
  if (!isProtected || !(await isOpen(redis))) return null;
  return 'protected-mode yes without a password lets nobody else reach this Redis. Remedy: set a password, or protected-mode no';
}

/** What is worst, or null; it stays as it was asked, a rejection of a command counts as none. */
export async function obstacleOf(
  redis: Redis,
  options: { readonly user: string | undefined; readonly version: string },
): Promise<Obstacle | null> {
  const [found, hidden] = await Promise.all([
    deniedCommands(redis),
    concealment(redis, options.version).catch(() => null),
  ]);
  const denied = denial(found, options.user);
  if (denied?.kind === 'denied' || hidden === null) return denied;
  const cost = 'No replica can follow it, so it leads only where it is alone';
  return { kind: 'hidden', problem: `RO_REDIS_HIDDEN: ${hidden}. ${cost}` };
}

/** Whether a failed snapshot makes a master refuse writes, as it does by default. */
export async function stopsOnFailedSave(redis: Redis): Promise<boolean> {
  try {
    const stops = await configText(redis, 'stop-writes-on-bgsave-error');
    return stops !== 'no' && (await configText(redis, 'save')) !== '';
  } catch {
    return true;
  }
}
