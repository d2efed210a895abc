// The real servers that the model is compared with: the one of the other tests; with
// RO_REDIS_VERSIONS=all every version that scripts/images can bring.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from '../harness/programs.ts';
import { redisServerProgram, redisVersion } from '../harness/redis-server.ts';
import type { RedisVersion } from '../sim/redis/options.ts';

export type Target = {
  readonly version: RedisVersion;
  readonly program: string;
  readonly text: string;
};

const SERVERS: Readonly<Record<string, RedisVersion>> = {
  'redis-6.0': '6.0',
  'redis-7.0': '7.0',
  'redis-8.0': '8.0',
  'valkey-8.1': 'valkey-8',
};

function targetOf(program: string): Target {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  const major = Number.parseInt(redisVersion(program), 10);
  const isValkey = text.startsWith('Valkey');
  const version = isValkey ? 'valkey-8' : major < 7 ? '6.0' : major < 8 ? '7.0' : '8.0';
  return { version, program, text: `${isValkey ? 'Valkey' : 'Redis'} ${redisVersion(program)}` };
}

export function targets(): readonly Target[] {
  if (process.env['RO_REDIS_VERSIONS'] !== 'all') return [targetOf(redisServerProgram())];
  const script = join(REPOSITORY, 'scripts', 'images');
  const lines = execFileSync(script, ['servers', ...Object.keys(SERVERS)], { encoding: 'utf8' });
  return lines
    .trim()
    .split('\n')
    .map((line) => targetOf(join(line.split(' ')[1] ?? '', 'bin', 'redis-server')));
}
