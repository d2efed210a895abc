// The master is cut off: from its peers, from the API server, from both (scenarios 11, 12, 13, 18).

import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openStage, type Scenario, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { linkScenario } = declarations(t, stage);
/** Validity and fence time of a holder whose last renewal was just before the cut (DESIGN 4). */
const LAST_ACKNOWLEDGEMENT_MS = 3300;

function addresses(pods: readonly Pod[]): string[] {
  return pods.map((pod) => pod.ip);
}

/** The master served on all the time, and is what it was. */
async function servedOn(
  t: Test,
  { scenario, group, master }: { scenario: Scenario; group: Group; master: Pod },
  mark: number,
): Promise<void> {
  const gapMs = scenario.writer.largestGapMs(mark);
  t.comment(`longest pause of the writer ${gapMs.toFixed(0)} ms`);
  t.ok(gapMs < 1000, 'writes went on');
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
}

await linkScenario(
  [11],
  'the master cut off from its peers keeps the Lease and the writes; nothing is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.link.cut(...addresses(group.others(master)));
    await holdsFor(12_000, () => undefined);
    await master.link.heal();
    await oneMaster(group);
    await servedOn(t, { scenario, group, master }, mark);
  },
);

await linkScenario(
  [12],
  'the master cut off from the API server only stays master while its peers promise',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.link.cut('api');
    await holdsFor(15_000, () => undefined);
    t.equal((await master.replication()).role, 'master', 'it is master at the end of the cut');
    await master.link.heal();
    await oneMaster(group);
    await servedOn(t, { scenario, group, master }, mark);
  },
);

/** With clients on its side: the probe goes on writing to it. */
async function cutOffFromBoth(t: Test, withReplica: boolean): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage);
  const [beside, apart] = group.others(master) as [Pod, Pod];
  const far = withReplica ? [apart] : [beside, apart];
  const mark = performance.now();
  await master.link.cut('api', ...addresses(far));
  if (withReplica) await beside.link.cut('api', apart.ip);
  const recoveryMs = await scenario.recovery('cut off from both', mark, 20_000, master);
  t.ok(recoveryMs < 7000, 'another is master soon after the wait of the Lease');
  const lastMs = scenario.probe.lastAcknowledgement(master) - mark;
  t.comment(`its last acknowledgement came ${lastMs.toFixed(0)} ms after the cut`);
  t.ok(lastMs < LAST_ACKNOWLEDGEMENT_MS + 500, 'it stopped to acknowledge in time');
  t.ok(lastMs < recoveryMs, 'and before the other began');
  await holdsFor(3000, () => undefined);
  for (const pod of group.pods) await pod.link.heal();
  const next = await oneMaster(group, { not: master });
  // What was acknowledged on the wrong side of the cut is gone; never what was before.
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
}

await linkScenario(
  [13],
  'the master cut off from its peers and the API server stops before another is promoted',
  async (t) => await cutOffFromBoth(t, false),
);

await linkScenario(
  [13],
  'the master and one replica cut off from everything else stop before the third is promoted',
  async (t) => await cutOffFromBoth(t, true),
);

async function flapping(t: Test, ends: (group: Group, master: Pod) => string[]): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage);
  const cut = ends(group, master);
  for (let round = 0; round < 6; round++) {
    await master.link.cut(...cut);
    await holdsFor(1000, () => undefined);
    await master.link.heal();
    await holdsFor(1000, () => undefined);
  }
  await oneMaster(group);
  // Cut for a second as its renewal is due, it may demote itself and be elected anew: the same master.
  t.equal((await group.lease())?.podName, master.name, 'the same pod holds the Lease');
  await scenario.end(master);
}

await linkScenario(
  [18],
  "the master's link to its peers flaps, 1 s on and 1 s off: no change of role",
  async (t) => await flapping(t, (group, master) => addresses(group.others(master))),
);

await linkScenario(
  [18],
  "the master's link to its peers and the API server flaps: no change of role",
  async (t) => await flapping(t, (group, master) => ['api', ...addresses(group.others(master))]),
);
