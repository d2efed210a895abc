// Fills a group with data of a given size, and waits until the replicas have it.

import { redisCommand, withRedis } from '../harness/redis-client.ts';
import type { System } from './system.ts';

const VALUE_BYTES = 16 * 1024;
const VALUES_AT_ONCE = 64;
const REPLICAS = 2;

export async function fill(system: System, mib: number): Promise<void> {
  const master = await system.healthy();
  const value = 'x'.repeat(VALUE_BYTES);
  const total = Math.ceil((mib * 1024 * 1024) / VALUE_BYTES);
  await withRedis(
    master,
    system.access,
    async (client) => {
      for (let from = 0; from < total; from += VALUES_AT_ONCE) {
        const keys = Array.from({ length: VALUES_AT_ONCE }, (_, index) => `data:${from + index}`);
        await client.mset(...keys.flatMap((key) => [key, value]));
        // Faster than the replicas read, the master would cut them off.
        await client.wait(REPLICAS, 5000);
      }
    },
    30_000,
  );
  await redisCommand(master, system.access, 'WAIT', String(REPLICAS), '10000');
}
