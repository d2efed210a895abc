// One round of the soak: clients, a fault, the end state, and the verdict on it.

import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { withRedis } from '../harness/redis-client.ts';
import { ServiceRoute } from '../harness/service-route.ts';
import { waitFor } from '../harness/wait-for.ts';
import { WriteProbe } from '../harness/write-probe.ts';
import { Writer } from '../harness/writer.ts';
import type { Fault, Pick } from './faults.ts';

export type Outcome = {
  readonly number: number;
  readonly fault: string;
  readonly rows: readonly number[];
  /** The longest time without an acknowledged write, from the fault on. */
  readonly recoveryMs: number;
  readonly lost: number;
  readonly acknowledged: number;
  readonly terms: number;
  readonly broken: readonly string[];
};

const CONVERGED_MS = 60_000;
/** Replication may be this far behind when a fault strikes. */
const UNREPLICATED_MS = 300;

export async function playRound(
  group: Group,
  fault: Fault,
  pick: Pick,
  number: number,
): Promise<Outcome> {
  await oneMaster(group, { timeoutMs: CONVERGED_MS });
  // The picture may be right while agents start anew: one fault at a time.
  await waitFor('every agent works', async () => await areAllSettled(group), {
    timeoutMs: CONVERGED_MS,
  });
  const firstTerm = (await group.lease())?.term ?? 0;
  const route = new ServiceRoute(group);
  // A prefix of its own: values of an earlier round would pass for those of this one.
  const prefix = `soak${number}`;
  const writer = new Writer({ access: group.access, route: () => route.pick(), prefix });
  const probe = new WriteProbe(group);
  const stop = async (): Promise<void> =>
    void (await Promise.all([writer.stop(), probe.stop(), route.stop()]));
  try {
    await waitFor('the writer is busy', () => writer.ledger.length >= 300, { timeoutMs: 20_000 });
    // TCP still waits to repeat what the cut of the round before swallowed, while links are up.
    const before = await inStep(group);
    const mark = performance.now();
    await fault.strike(group, before, pick);
    const struck = performance.now();
    await writer.firstAfter(struck, CONVERGED_MS);
    await oneMaster(group, { timeoutMs: CONVERGED_MS });
    await writer.firstAfter(performance.now(), CONVERGED_MS);
    const recoveryMs = writer.largestGapMs(mark);
    await stop();
    const master = await oneMaster(group, { timeoutMs: CONVERGED_MS });
    const lost = await writer.lost(master.ip);
    const terms = ((await group.lease())?.term ?? 0) - firstTerm;
    const broken: string[] = [];
    if (!fault.mayLose && lost.length > 0) broken.push(`${lost.length} writes are lost`);
    const early = lost.filter((each) => each.sentMs < mark - UNREPLICATED_MS);
    if (early.length > 0) broken.push(`${early.length} lost writes are from before the fault`);
    const reigns = probe.reigns().length;
    if (fault.mayOverlap !== true && reigns > terms + 1) {
      broken.push(`${reigns} reigns in ${terms + 1} terms: two acknowledged at one time`);
    }
    await clear(group, master.ip, [prefix, 'probe']);
    const { name, rows } = fault;
    const acknowledged = writer.ledger.length;
    return {
      number,
      fault: name,
      rows,
      recoveryMs,
      lost: lost.length,
      acknowledged,
      terms,
      broken,
    };
  } finally {
    await stop();
  }
}

/** The master, once every replica has what it writes now. A starved machine may change it meanwhile. */
async function inStep(group: Group): Promise<Pod> {
  const replicas = group.pods.length - 1;
  return await waitFor(
    'every replica confirms a write',
    async () => {
      const master = await oneMaster(group, { timeoutMs: CONVERGED_MS });
      const isConfirmed = await withRedis(master.ip, group.access, async (client) => {
        await client.set('in-step', 'x');
        return (await client.wait(replicas, 200)) >= replicas;
      });
      return isConfirmed ? master : undefined;
    },
    { timeoutMs: CONVERGED_MS },
  );
}

async function areAllSettled(group: Group): Promise<boolean> {
  const states = await Promise.all(group.pods.map(async (pod) => await pod.state()));
  return states.every(({ state }) => state === 'Leading' || state === 'Following');
}

/** The data of a round are of no use after it; but some stay, so that no instance is ever empty. */
async function clear(group: Group, address: string, prefixes: readonly string[]): Promise<void> {
  await withRedis(
    address,
    group.access,
    async (client) => {
      await client.set('kept', 'x');
      for (const prefix of prefixes) {
        let cursor = '0';
        do {
          const [next, keys] = await client.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', 5000);
          if (keys.length > 0) await client.unlink(...keys);
          cursor = next;
        } while (cursor !== '0');
      }
    },
    10_000,
  );
}
