// The master's pod goes (scenarios 2, 3, 6, 19, 45).

import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import type { GroupOptions } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

async function gracefulDeletion(t: Test, options: GroupOptions): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, options);
  const mark = performance.now();
  const deletion = await master.delete();
  group.forget(master);
  const next = await oneMaster(group);
  const pauseMs = scenario.writer.largestGapMs(mark);
  t.comment(
    `pause ${pauseMs.toFixed(0)} ms; preStop done after ${deletion.preStopMs.toFixed(0)} ms,`,
    `pod gone after ${deletion.wholeMs.toFixed(0)} ms`,
  );
  t.ok(pauseMs < 1500, 'the pause is short');
  await group.create(master.name);
  const after = await oneMaster(group);
  t.equal(after.name, next.name, 'the pod that comes back does not take the role');
  await scenario.end(after);
}

await declare([2], 'a graceful deletion hands over first: nothing is lost', async (t) => {
  await gracefulDeletion(t, {});
});

await declare(
  [2],
  'a graceful deletion without preStop, by the deletion timestamp alone',
  async (t) => {
    await gracefulDeletion(t, { preStop: false });
  },
);

await declare([2], 'a graceful deletion where the agent is a plain container', async (t) => {
  await gracefulDeletion(t, { nativeSidecar: false });
});

await declare([2], 'a replica is deleted: the master does not notice', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  const [replica] = group.others(master);
  const mark = performance.now();
  await replica?.delete();
  if (replica !== undefined) group.forget(replica);
  await group.create(replica?.name ?? '');
  await oneMaster(group);
  t.ok(scenario.writer.largestGapMs(mark) < 500, 'no pause');
  await scenario.unchanged(master);
  await scenario.end(master);
});

await declare(
  [3],
  "the master's pod is force-deleted: failover; it comes back with its volume as a replica",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { persistence: 'aof' });
    const mark = performance.now();
    await master.forceDelete();
    group.forget(master);
    await scenario.recovery('force-deleted', mark, 20_000, master);
    await group.create(master.name);
    const next = await oneMaster(group);
    t.not(next.name, master.name, 'another pod is master');
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare(
  [6],
  "the master's pod and volume are lost and reborn empty under the same name: it follows",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.forceDelete();
    group.forget(master);
    await group.deleteVolume(master.name);
    await group.create(master.name);
    await scenario.recovery('reborn empty', mark, 20_000, master);
    const next = await oneMaster(group);
    t.not(next.name, master.name, 'the empty pod is not master');
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare(
  [19],
  "the master's node loses its power and the pod object stays: failover within 6 s",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.powerOff();
    const recoveryMs = await scenario.recovery('node lost', mark, 20_000, master);
    t.ok(recoveryMs < 6000, 'failover by lease');
    const next = await oneMaster(group, { without: [master] });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare(
  [45],
  'a group grows from 3 to 5 and shrinks past its master: one master after each step',
  async (t) => {
    const { scenario, group } = await startScenario(t, stage);
    await group.scaleUp(5);
    let master = await oneMaster(group, { timeoutMs: 30_000 });
    const mark = performance.now();
    for (const name of ['redis-4', 'redis-3', 'redis-2', 'redis-1']) {
      const pod = group.pod(name);
      await pod.delete();
      group.forget(pod);
      master = await oneMaster(group);
    }
    t.equal(master.name, 'redis-0', 'the last one is the master');
    t.comment(`longest pause ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    await scenario.end(master);
  },
);
