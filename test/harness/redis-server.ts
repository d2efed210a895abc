// Starts real Redis (or Valkey) servers, each on a loopback address of its own; and sentinels, which
// are the same program.

import { execFileSync } from 'node:child_process';
import { REDIS_PORT } from './free-ports.ts';
import type { ManagedProcess, Workspace } from './workspace.ts';

type RedisTlsFiles = { readonly ca: string; readonly cert: string; readonly key: string };

export type RedisOptions = {
  readonly address: string;
  /** Where its data live; a new instance in the same directory finds them again. */
  readonly directory: string;
  readonly persistence?: 'none' | 'rdb' | 'aof';
  readonly password?: string;
  readonly tls?: RedisTlsFiles;
  /** Starts as a replica of nobody, as the webhook makes it. */
  readonly bootFence?: boolean;
  readonly args?: readonly string[];
  /** Which redis-server; else the one that RO_REDIS_SERVER or PATH names. */
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the command begins with: enters the network of a pod. */
  readonly enter?: readonly string[];
};

/** Several words where a directive takes several: Redis 6 does not take them as one. */
type Flags = Readonly<Record<string, string | readonly string[]>>;

const PERSISTENCE: Readonly<Record<'none' | 'rdb' | 'aof', Flags>> = {
  none: { save: '', appendonly: 'no' },
  rdb: { save: ['3600', '1'], appendonly: 'no' },
  aof: { save: ['3600', '1'], appendonly: 'yes', appendfsync: 'everysec' },
};

let found: string | undefined;

/** RO_REDIS_SERVER chooses a version; else the one in PATH. */
export function redisServerProgram(): string {
  if (found !== undefined) return found;
  const program = process.env['RO_REDIS_SERVER'] ?? 'redis-server';
  try {
    execFileSync(program, ['--version'], { stdio: 'pipe' });
  } catch (cause) {
    const remedy = 'apt-get install redis-server, or set RO_REDIS_SERVER to a redis-server';
    throw new Error(`${program}: does not run. Remedy: ${remedy}`, { cause });
  }
  found = program;
  return program;
}

export function redisVersion(program = redisServerProgram()): string {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
  return /v=(\S+)/.exec(text)?.[1] ?? '0';
}

function portFlags(tls: RedisTlsFiles | undefined): Flags {
  if (tls === undefined) return { port: String(REDIS_PORT) };
  return {
    port: '0',
    'tls-port': String(REDIS_PORT),
    'tls-auth-clients': 'no',
    'tls-ca-cert-file': tls.ca,
    'tls-cert-file': tls.cert,
    'tls-key-file': tls.key,
  };
}

export function startRedis(
  workspace: Workspace,
  name: string,
  options: RedisOptions,
): ManagedProcess {
  const flags: Flags = {
    bind: options.address,
    ...portFlags(options.tls),
    dir: options.directory,
    // All pods share one host: without this INFO would name every replica 127.0.0.1.
    'replica-announce-ip': options.address,
    'protected-mode': 'no',
    daemonize: 'no',
    ...PERSISTENCE[options.persistence ?? 'rdb'],
    ...(options.password === undefined ? {} : { requirepass: options.password }),
    ...(options.bootFence === true
      ? { replicaof: ['127.0.0.1', '1'], 'replica-read-only': 'yes' }
      : {}),
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value].flat());
  const program = options.program ?? redisServerProgram();
  return workspace.start(name, program, [...args, ...(options.args ?? [])], {
    enter: options.enter ?? [],
    ...(options.env === undefined ? {} : { env: options.env }),
  });
}

/** A sentinel writes what it learns into its own file, and goes on from there after a restart. */
export function startSentinel(workspace: Workspace, name: string, file: string): ManagedProcess {
  return workspace.start(name, redisServerProgram(), [file, '--sentinel']);
}
