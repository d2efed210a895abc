// The real servers that the model is compared with: the one of the other tests; with
// RO_REDIS_VERSIONS=all every version that the model knows.
//
// Valkey 9 is none of them: already after a first sync its offset is 14 bytes further than Valkey 8's.

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
  const servers = [...redisServers()].filter(([version]) => version !== 'valkey-9');
  return servers.map(([, program]) => targetOf(program));
}
