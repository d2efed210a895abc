// One planned change of master under load: the longest pause of twelve connections, and what of
// all that was acknowledged is missing afterwards.

import { DirectWriter } from '../harness/direct-writer.ts';
import { type Acknowledged, largestGapMs, lostWrites } from '../harness/ledger.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Round } from './figures.ts';
import type { PlannedSystem } from './system.ts';

const CONNECTIONS = 12;
/** Some 5000 writes a second over all: a machine that is busy to the brim measures itself. */
const EVERY_MS = 2;
const LOAD_TIMEOUT_MS = 120_000;

let rounds = 0;

export async function switchoverRound(system: PlannedSystem, writes: number): Promise<Round> {
  const before = await system.healthy();
  const ledger: Acknowledged[] = [];
  const addresses = [before, ...system.addresses().filter((address) => address !== before)];
  const prefix = `switchover:${++rounds}`;
  const writers = Array.from(
    { length: CONNECTIONS },
    (_, index) =>
      new DirectWriter({
        addresses,
        prefix: `${prefix}:${index}`,
        everyMs: EVERY_MS,
        ledger,
      }),
  );
  const written = async (count: number): Promise<void> => {
    const isWritten = () => ledger.length >= count;
    await waitFor(`${count} writes are acknowledged`, isWritten, { timeoutMs: LOAD_TIMEOUT_MS });
  };
  let fromMs = 0;
  let toMs = 0;
  try {
    await written(Math.ceil(writes / 2));
    fromMs = performance.now();
    await system.switchOver(before);
    await written(Math.max(writes, ledger.length + 100));
    toMs = performance.now();
  } finally {
    await Promise.all(writers.map(async (writer) => await writer.stop()));
  }
  const after = await system.healthy();
  const lost = await lostWrites(ledger, after, system.access);
  const hasMoved = ledger.at(-1)?.address !== before;
  return {
    ms: hasMoved ? largestGapMs(ledger, fromMs, toMs) : undefined,
    acknowledged: ledger.length,
    lost: lost.length,
  };
}
