// What a client was promised, and what became of it: acknowledged writes, the pauses between them,
// and those that an instance does not have.

import { type RedisAccess, withRedis } from './redis-client.ts';

export type Acknowledged = {
  readonly key: string;
  readonly value: string;
  readonly sentMs: number;
  readonly atMs: number;
  readonly address: string;
};

const KEYS_AT_ONCE = 1000;

/** Acknowledged writes that the given instance does not have. */
export async function lostWrites(
  ledger: readonly Acknowledged[],
  address: string,
  access: RedisAccess,
): Promise<Acknowledged[]> {
  const look = async (part: readonly Acknowledged[]): Promise<Acknowledged[]> =>
    await withRedis(
      address,
      access,
      async (client) => {
        const values = await client.mget(part.map((each) => each.key));
        return part.filter((each, index) => values[index] !== each.value);
      },
      10_000,
    );
  const missing: Acknowledged[] = [];
  for (let from = 0; from < ledger.length; from += KEYS_AT_ONCE) {
    missing.push(...(await look(ledger.slice(from, from + KEYS_AT_ONCE))));
  }
  return missing;
}

/** The longest time without an acknowledgement between `fromMs` and `toMs`. */
export function largestGapMs(
  ledger: readonly Acknowledged[],
  fromMs: number,
  toMs: number,
): number {
  const times = ledger.map((each) => each.atMs).filter((at) => at > fromMs && at < toMs);
  let largest = 0;
  let before = fromMs;
  for (const at of [...times.sort((left, right) => left - right), toMs]) {
    largest = Math.max(largest, at - before);
    before = at;
  }
  return largest;
}
