// The versions of Redis and Valkey that tests can run on: scripts/images takes them out of Debian's
// packages, by apt and its signed indices, into the cache.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from './programs.ts';

export const REDIS_VERSIONS = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-8.1'] as const;

/** The redis-server of each version; fetched where the cache has it not. */
export function redisServers(
  versions: readonly (typeof REDIS_VERSIONS)[number][] = REDIS_VERSIONS,
): ReadonlyMap<string, string> {
  const script = join(REPOSITORY, 'scripts', 'images');
  const text = execFileSync(script, ['servers', ...versions], { encoding: 'utf8' });
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [version = '', folder = ''] = line.split(' ');
        return [version, join(folder, 'bin', 'redis-server')];
      }),
  );
}
