// One round: a healthy group that is written to, one fault, the time until another instance
// acknowledges a write, and afterwards a look for everything that was acknowledged.

import { setTimeout as pause } from 'node:timers/promises';
import { DirectWriter } from '../harness/direct-writer.ts';
import { type Acknowledged, lostWrites } from '../harness/ledger.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Round } from './figures.ts';
import type { FaultName, System, SystemName } from './system.ts';

/** No new master within it: the round has failed. */
const BOUND_MS: Readonly<Record<SystemName, number>> = {
  ours: 30_000,
  sentinel1s: 60_000,
  sentinel30s: 120_000,
};
const WARM_UP_WRITES = 200;
/** The fault meets every phase of whatever is done periodically. */
const JITTER_MS = 300;
const AFTERWARDS_MS = 200;

export type FaultRound = Round & {
  readonly faultAtMs: number;
  readonly fromCloseMs: number | undefined;
  readonly before: string;
  readonly after: string | undefined;
};

let rounds = 0;

export async function faultRound(system: System, fault: FaultName): Promise<FaultRound> {
  const before = await system.healthy();
  const ledger: Acknowledged[] = [];
  const prefix = `${fault}:${++rounds}`;
  let faultAtMs = Number.POSITIVE_INFINITY;
  let first: Acknowledged | undefined;
  const writers = new Map(
    system.addresses().map((address) => {
      const onWritten = (written: Acknowledged): void => {
        if (written.address !== before && written.sentMs > faultAtMs) first ??= written;
      };
      const options = { addresses: [address], prefix: `${prefix}:${address}`, ledger, onWritten };
      return [address, new DirectWriter(options)] as const;
    }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all([...writers.values()].map(async (writer) => await writer.stop()));
  };
  try {
    await waitFor('the master is written to', () => ledger.length >= WARM_UP_WRITES, {
      timeoutMs: 10_000,
    });
    await pause(Math.random() * JITTER_MS);
    faultAtMs = performance.now();
    system.inject(fault, before);
    await waitFor('another master acknowledges a write', () => first, {
      timeoutMs: BOUND_MS[system.name],
    }).catch(() => undefined);
    await pause(AFTERWARDS_MS);
  } finally {
    // Before a frozen instance thaws: what it would answer then is not measured here.
    await stop();
    system.heal();
  }
  const after = await system.healthy();
  const lost = await lostWrites(ledger, after, system.access);
  const closedAtMs = writers.get(before)?.closedAfter(faultAtMs);
  return {
    ms: first === undefined ? undefined : first.atMs - faultAtMs,
    acknowledged: ledger.length,
    lost: lost.length,
    faultAtMs,
    fromCloseMs:
      first === undefined || closedAtMs === undefined ? undefined : first.atMs - closedAtMs,
    before,
    after: first?.address,
  };
}
