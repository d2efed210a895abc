// The real servers that the model is compared with: the one of the other tests; with
// RO_REDIS_VERSIONS=all every version that tests can run on.

import { execFileSync } from 'node:child_process';
import { redisServerProgram, redisVersion } from '../harness/redis-server.ts';
import { redisServers } from '../harness/redis-versions.ts';
import type { RedisVersion } from '../sim/redis/options.ts';

export type Target = {
  readonly version: RedisVersion;
  readonly program: string;
  readonly text: string;
};

function targetOf(program: string): Target {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
  const major = Number.parseInt(redisVersion(program), 10);
  const isValkey = text.startsWith('Valkey');
  const version = isValkey ? 'valkey-8' : major < 7 ? '6.0' : major < 8 ? '7.0' : '8.0';
  return { version, program, text: `${isValkey ? 'Valkey' : 'Redis'} ${redisVersion(program)}` };
}

export function targets(): readonly Target[] {
  if (process.env['RO_REDIS_VERSIONS'] !== 'all') return [targetOf(redisServerProgram())];
  return [...redisServers().values()].map(targetOf);
}
