// Loss in one direction, groups of two, and nodes that go and come (scenarios 17, 20, 21, 23).

import t, { type Test } from 'tap';
import { ROLE_LABEL } from '../../src/names.ts';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { linkScenario } = declarations(t, stage);

/** Between the master and one replica; the other replica sees both. */
async function lossy(t: Test, lose: (master: Pod, replica: Pod) => Promise<void>): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage);
  const [replica] = group.others(master) as [Pod];
  const mark = performance.now();
  await lose(master, replica);
  await holdsFor(10_000, () => undefined);
  const gapMs = scenario.writer.largestGapMs(mark);
  t.comment(`longest pause of the writer ${gapMs.toFixed(0)} ms`);
  t.ok(gapMs < 1000, 'writes went on');
  const [sent, received] = [await master.replication(), await replica.replication()];
  t.comment(`the replica is ${sent.offset - received.offset} bytes behind`);
  for (const pod of [master, replica]) await pod.link.heal();
  await oneMaster(group, { timeoutMs: 30_000 });
  await scenario.unchanged(master);
  await scenario.end(master);
}

await linkScenario(
  [17],
  'what the master sends to one replica is lost: the master stays, all converges',
  async (t) => await lossy(t, async (master, replica) => await replica.link.loseFrom(master.ip)),
);

await linkScenario(
  [17],
  'what one replica sends to the master is lost: the master stays, all converges',
  async (t) => await lossy(t, async (master, replica) => await master.link.loseFrom(replica.ip)),
);

await linkScenario(
  [17],
  'four in ten packets between the master and one replica are lost: the master stays',
  async (t) =>
    await lossy(t, async (master, replica) => {
      await replica.link.thinOut(master.ip);
      await master.link.thinOut(replica.ip);
    }),
);

await linkScenario([23], 'a group of two, parted: the master goes on alone', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage, { size: 2 });
  const [replica] = group.others(master) as [Pod];
  const mark = performance.now();
  await master.link.cut(replica.ip);
  await holdsFor(10_000, () => undefined);
  t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
  await master.link.heal();
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
});

await linkScenario(
  [23, 13],
  'a group of two, the master alone on its side: at most one acknowledges writes',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { size: 2 });
    const [replica] = group.others(master) as [Pod];
    const mark = performance.now();
    await master.link.cut('api', replica.ip);
    await scenario.recovery('the replica took over', mark, 20_000, master);
    await holdsFor(2000, () => undefined);
    await master.link.heal();
    const next = await oneMaster(group, { not: master });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [20],
  'a node comes back: its old master is fenced from the first instant, resyncs, has no label',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    await master.powerCut();
    await scenario.recovery('node lost', mark, 20_000, master);
    await oneMaster(group, { without: [master] });
    const { term } = (await group.lease()) ?? {};
    // Its agent starts later than its Redis, as after a slow image pull.
    const back = master.powerOn(2000);
    await waitFor('its Redis answers', async () => await master.replication(), {
      timeoutMs: 5000,
    });
    await holdsFor(1500, async () => {
      const { role } = await master.replication();
      if (role !== 'slave') throw new Error(`it came back as ${role}`);
      const labels = await group.labels();
      if (labels.get(master.name) === 'master') throw new Error(`it has ${ROLE_LABEL}=master`);
    });
    t.pass('a replica of nobody, without the label, while it has no agent');
    await back;
    const next = await oneMaster(group, { not: master });
    t.equal((await group.lease())?.term, term, 'the role did not move again');
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [21],
  'the master and a replica are lost at once: the survivor serves',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [lost, survivor] = group.others(master) as [Pod, Pod];
    const mark = performance.now();
    await Promise.all([master.powerCut(), lost.powerCut()]);
    const recoveryMs = await scenario.recovery('two lost', mark, 30_000, master);
    t.ok(recoveryMs < 8000, 'failover by the Lease');
    const alone = await oneMaster(group, { without: [master, lost] });
    t.equal(alone.name, survivor.name, 'the survivor is the master');
    await Promise.all([master.powerOn(), lost.powerOn()]);
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    t.equal(next.name, survivor.name, 'and stays it when the others return');
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario([21], 'both replicas are lost at once: the master goes on', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  const mark = performance.now();
  const others = group.others(master);
  await Promise.all(others.map(async (pod) => await pod.powerCut()));
  await holdsFor(8000, () => undefined);
  t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
  await Promise.all(others.map(async (pod) => await pod.powerOn()));
  await oneMaster(group, { timeoutMs: 30_000 });
  await scenario.unchanged(master);
  await scenario.end(master);
});
