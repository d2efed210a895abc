// One planned change of master under load: how long none of twelve connections had an answer, how long the
// unluckiest of them waited, and what of all that was acknowledged is missing afterwards.

import { type Acknowledged, largestGapMs, lostWrites } from '../harness/ledger.ts';
import type { Round } from './figures.ts';
import { Load } from './load.ts';
import type { PlannedSystem } from './system.ts';

/** What the round needs of it. */
type Switched = Pick<PlannedSystem, 'access' | 'addresses' | 'healthy' | 'switchOver'>;

export type SwitchoverRound = Round & {
  /** The longest wait of any one connection; undefined like `ms`. */
  readonly slowestMs: number | undefined;
  /** From the old master's last acknowledgement to the new one's first; undefined like `ms`. */
  readonly changeMs: number | undefined;
  /** The same as `ms` before anything was asked for: what the machine alone does to clients. */
  readonly calmMs: number;
};

function changeMs(ledger: readonly Acknowledged[], before: string): number | undefined {
  const last = ledger.findLast(({ address }) => address === before);
  const first = ledger.find(({ address }) => address !== before);
  return last === undefined || first === undefined ? undefined : first.atMs - last.atMs;
}

let rounds = 0;

export async function switchoverRound(system: Switched, writes: number): Promise<SwitchoverRound> {
  const before = await system.healthy();
  const addresses = [before, ...system.addresses().filter((address) => address !== before)];
  const load = new Load(addresses, `switchover:${++rounds}`);
  const { ledger } = load;
  let fromMs = 0;
  let toMs = 0;
  try {
    await load.written(Math.ceil(writes / 2));
    fromMs = performance.now();
    await system.switchOver(before);
    await load.written(Math.max(writes, ledger.length + 100));
    toMs = performance.now();
  } finally {
    await load.stop();
  }
  const after = await system.healthy();
  const lost = await lostWrites(ledger, after, system.access);
  const hasMoved = ledger.at(-1)?.address !== before;
  const slowestMs = Math.max(
    ...load.byConnection().map((each) => largestGapMs(each, fromMs, toMs)),
  );
  return {
    ms: hasMoved ? largestGapMs(ledger, fromMs, toMs) : undefined,
    slowestMs: hasMoved ? slowestMs : undefined,
    changeMs: hasMoved ? changeMs(ledger, before) : undefined,
    calmMs: largestGapMs(ledger, ledger[0]?.atMs ?? fromMs, fromMs),
    acknowledged: ledger.length,
    lost: lost.length,
  };
}
