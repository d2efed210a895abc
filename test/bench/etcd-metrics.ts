// How long etcd waited for the disk: what no agent can be faster than.

import { request } from 'undici';

/** Upper bound of a bucket in seconds to the number of waits up to it, since the start. */
export type DiskWaits = ReadonlyMap<number, number>;

export async function diskWaitsOf(etcdUrl: string): Promise<DiskWaits> {
  const { body } = await request(`${etcdUrl}/metrics`);
  const text = await body.text();
  const line = /^etcd_disk_wal_fsync_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$/gm;
  return new Map(
    [...text.matchAll(line)].map(([, le, n]) => [
      Number(le?.replace('+Inf', 'Infinity')),
      Number(n),
    ]),
  );
}

/** Of the waits between two looks: how many, and how many were longer than a half and than one second. */
export function diskFigures(before: DiskWaits, after: DiskWaits) {
  const upTo = (bound: number): number => {
    const known = [...after.keys()].filter((le) => le <= bound);
    const le = Math.max(...known);
    return (after.get(le) ?? 0) - (before.get(le) ?? 0);
  };
  const n = upTo(Number.POSITIVE_INFINITY);
  return { n, above512ms: n - upTo(0.512), above1024ms: n - upTo(1.024) };
}
