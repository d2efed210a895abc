// The versions of Redis and Valkey that tests can run on: scripts/images takes them out of Debian's
// packages, by apt and its signed indices, into the cache.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from './programs.ts';

export const REDIS_VERSIONS = [
  'redis-6.0',
  'redis-7.0',
  'redis-8.0',
  'valkey-8.1',
  'valkey-9',
] as const;

export type ServerVersion = (typeof REDIS_VERSIONS)[number];

/** The redis-server of a version, fetched where the cache has it not; or why it cannot be had. */
export function redisServer(
  version: ServerVersion,
): { readonly program: string } | { readonly whyNot: string } {
  const script = join(REPOSITORY, 'scripts', 'images');
  const { status, stdout, stderr } = spawnSync(script, ['servers', version], { encoding: 'utf8' });
  const [, folder] = stdout.trim().split(' ');
  if (status === 0 && folder !== undefined) return { program: join(folder, 'bin', 'redis-server') };
  return { whyNot: stderr.trim().replaceAll(/\s*\n\s*/g, '; ') };
}

/** The redis-server of every version. */
export function redisServers(): ReadonlyMap<ServerVersion, string> {
  return new Map(
    REDIS_VERSIONS.map((version) => {
      const found = redisServer(version);
      if ('whyNot' in found) throw new Error(`${version}: ${found.whyNot}`);
      return [version, found.program];
    }),
  );
}
