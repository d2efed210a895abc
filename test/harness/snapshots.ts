// Snapshots of a Redis that fail, and succeed again.

import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Group } from './group.ts';
import type { Pod } from './pod.ts';
import { redisCommand } from './redis-client.ts';
import { waitFor } from './wait-for.ts';

/**
 * A snapshot cannot be moved onto a folder: it fails, and Redis refuses writes from then on. Answers how that is
 * mended.
 */
export async function spoilSnapshots(group: Group, pod: Pod): Promise<() => Promise<void>> {
  const file = join(group.volume(`data-${pod.name}`), 'dump.rdb');
  rmSync(file, { force: true });
  mkdirSync(file);
  await snapshot(pod, 'err');
  return async () => {
    rmdirSync(file);
    await snapshot(pod, 'ok');
  };
}

/** Takes one, until it ends like that. */
async function snapshot(pod: Pod, status: 'ok' | 'err'): Promise<void> {
  const ask = async (...words: [string, ...string[]]): Promise<string> =>
    String(await redisCommand(pod.ip, pod.access, ...words));
  await ask('BGSAVE').catch(() => '');
  await waitFor(
    `a snapshot ends: ${status}`,
    async () => (await ask('INFO', 'persistence')).includes(`rdb_last_bgsave_status:${status}`),
    { timeoutMs: 10_000 },
  );
}
