// Pods are replaced in an orderly way while clients write (scenarios 41, 42).

import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import { replaceReady } from '../harness/replace.ts';
import { emptyGroup, openStage, Scenario, startScenario } from '../harness/scenario.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
/** Of a hand-over, where other work may hold both cores. */
const PAUSE_MAX_MS = 1500;

/** As a StatefulSet updates: from the highest ordinal down, one by one. */
async function rollAll(t: Test, scenario: Scenario): Promise<void> {
  const { group } = scenario;
  for (const pod of group.pods.toReversed()) {
    await scenario.busy();
    const mark = performance.now();
    const before = (await group.lease())?.podName;
    await pod.delete();
    await replaceReady(group, pod);
    const after = (await group.lease())?.podName;
    const pauseMs = scenario.writer.largestGapMs(mark);
    t.comment(`${pod.name} replaced: ${before} → ${after}, pause ${pauseMs.toFixed(0)} ms`);
    t.ok(pauseMs < PAUSE_MAX_MS, `${pod.name}: the pause is short`);
    if (before !== pod.name) t.equal(after, before, 'a replica goes without a change of role');
    else t.not(after, pod.name, 'the master has handed over');
  }
}

async function changesOf(group: Group, firstTerm: number): Promise<number> {
  return ((await group.lease())?.term ?? 0) - firstTerm;
}

await declare([41], 'rolling update under load, the master last: one change of role', async (t) => {
  const group = await emptyGroup(t, stage);
  await group.create('redis-0');
  await oneMaster(group, { timeoutMs: 30_000 });
  await group.scaleUp(3);
  const master = await oneMaster(group, { timeoutMs: 30_000 });
  t.equal(master.name, 'redis-0', 'the oldest leads');
  const firstTerm = (await group.lease())?.term ?? 0;
  const scenario = new Scenario(t, group, firstTerm);
  await rollAll(t, scenario);
  const last = await oneMaster(group);
  t.equal(await changesOf(group, firstTerm), 1, 'the role changed hands once');
  await scenario.end(last);
});

await declare(
  [41],
  'rolling update under load, the master first: the role changes at most once per pod',
  async (t) => {
    const group = await emptyGroup(t, stage);
    await group.create('redis-2');
    await oneMaster(group, { timeoutMs: 30_000 });
    await group.scaleUp(3);
    const master = await oneMaster(group, { timeoutMs: 30_000 });
    t.equal(master.name, 'redis-2', 'the oldest leads');
    const firstTerm = (await group.lease())?.term ?? 0;
    const scenario = new Scenario(t, group, firstTerm);
    await rollAll(t, scenario);
    const last = await oneMaster(group);
    const changes = await changesOf(group, firstTerm);
    t.comment(`the role changed hands ${changes} times`);
    t.ok(changes >= 1 && changes <= 3, 'no more often than pods were replaced');
    await scenario.end(last);
  },
);

await declare(
  [42],
  "the master's node is drained: announced and deleted at once, handed over, nothing is lost",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.announceDisruption();
    const deletion = await master.delete();
    await replaceReady(group, master);
    const next = await oneMaster(group, { not: group.pod(master.name) });
    const pauseMs = scenario.writer.largestGapMs(mark);
    t.comment(
      `pause ${pauseMs.toFixed(0)} ms; preStop done after ${deletion.preStopMs.toFixed(0)} ms`,
    );
    t.ok(pauseMs < PAUSE_MAX_MS, 'the pause is short');
    t.ok(deletion.wholeMs < 30_000, 'within the grace period');
    await scenario.end(next);
  },
);

await declare(
  [42],
  'a disruption of the master is announced: handed over before anything is deleted',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.announceDisruption();
    // The announced one stays in limbo: it is about to go.
    const next = await oneMaster(group, { not: master, without: [master] });
    const pauseMs = scenario.writer.largestGapMs(mark);
    t.comment(`pause ${pauseMs.toFixed(0)} ms, by the announcement alone`);
    t.ok(pauseMs < PAUSE_MAX_MS, 'the pause is short');
    await scenario.busy();
    const deleted = performance.now();
    await master.delete();
    t.ok(scenario.writer.largestGapMs(deleted) < 500, 'the deletion itself pauses nobody');
    await replaceReady(group, master);
    const last = await oneMaster(group);
    t.equal(last.name, next.name, 'and changes no role');
    await scenario.end(last);
  },
);

await declare(
  [42],
  'an announced disruption is taken back: the old master follows, nothing is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    await master.announceDisruption();
    const next = await oneMaster(group, { not: master, without: [master] });
    await master.announceDisruption(false);
    const last = await oneMaster(group);
    t.equal(last.name, next.name, 'the role stays where it went');
    await scenario.end(last);
  },
);
