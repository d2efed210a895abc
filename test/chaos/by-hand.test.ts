// Somebody changes what the agents keep (scenarios 31, 32, 64, 65).

import t from 'tap';
import { DISCARD_DATA_ANNOTATION, ROLE_LABEL } from '../../src/names.ts';
import { declarations } from '../harness/declare.ts';
import { eventOf } from '../harness/events.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { startRedis } from '../harness/redis-server.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
const PORT = '6379';

async function label(group: Group, pod: Pod, role: string | null): Promise<void> {
  await group.admin.patch(pod.path, { metadata: { labels: { [ROLE_LABEL]: role } } });
}

async function repairedWithin(group: Group, timeoutMs: number): Promise<string> {
  const started = performance.now();
  await oneMaster(group, { timeoutMs });
  return `repaired after ${(performance.now() - started).toFixed(0)} ms`;
}

await declare(
  [32],
  'a replica is made a second master by hand: repaired, the master stays',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [replica] = group.others(master);
    await redisCommand(replica?.ip ?? '', group.access, 'REPLICAOF', 'NO', 'ONE');
    t.comment(await repairedWithin(group, 10_000));
    await scenario.unchanged(master);
    // The person opened it; the probe wrote to it until it was closed.
    await scenario.end(master, { mayOverlap: true });
  },
);

await declare(
  [32],
  'both replicas are made masters by hand: repaired, the master stays',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    for (const pod of group.others(master)) {
      await redisCommand(pod.ip, group.access, 'REPLICAOF', 'NO', 'ONE');
    }
    t.comment(await repairedWithin(group, 10_000));
    await scenario.unchanged(master);
    await scenario.end(master, { mayOverlap: true });
  },
);

await declare(
  [32],
  'a replica is told to follow another replica: repaired, the master stays',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [left, right] = group.others(master);
    await redisCommand(left?.ip ?? '', group.access, 'REPLICAOF', right?.ip ?? '', PORT);
    t.comment(await repairedWithin(group, 20_000));
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);

await declare(
  [32],
  'the master is told to follow a replica: nothing of its data is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [replica] = group.others(master);
    const mark = performance.now();
    await redisCommand(master.ip, group.access, 'REPLICAOF', replica?.ip ?? '', PORT);
    t.comment(await repairedWithin(group, 20_000));
    const after = await oneMaster(group);
    await scenario.busy();
    t.comment(`writes paused for ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    await scenario.end(after);
  },
);

await declare([31], 'the master label is taken off the master: put back within 5 s', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  await label(group, master, null);
  t.comment(await repairedWithin(group, 5000));
  await scenario.unchanged(master);
  await scenario.end(master);
});

await declare(
  [31],
  'a replica is labelled master, the master replica: corrected within 5 s',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [replica] = group.others(master);
    await label(group, replica as Pod, 'master');
    await label(group, master, 'replica');
    t.comment(await repairedWithin(group, 5000));
    for (const pod of [master, replica as Pod]) {
      const { note } = await eventOf(group, 'LabelRepaired', `Pod/${pod.name}`);
      t.match(note, /somebody set the label redis-role/);
    }
    await scenario.unchanged(master);
    await scenario.end(master);
  },
);

await declare(
  [65],
  'the Lease is deleted: its holder restores it and the term does not fall',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const before = await group.lease();
    const mark = performance.now();
    await group.admin.delete(group.leasePath);
    await waitFor('the Lease is back', async () => (await group.lease())?.podName === master.name, {
      timeoutMs: 10_000,
    });
    t.comment(`the Lease was back after ${(performance.now() - mark).toFixed(0)} ms`);
    await holdsFor(6000, async () => {
      const lease = await group.lease();
      if (lease?.podName !== master.name) throw new Error(`${lease?.podName} holds the Lease`);
    });
    const after = await oneMaster(group);
    t.equal(after.name, master.name, 'the same master');
    t.ok(((await group.lease())?.term ?? 0) >= (before?.term ?? 0), 'the term did not fall');
    t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
    await scenario.end(after);
  },
);

await declare([64], 'a foreign instance with data joins: never overwritten unasked', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  // The volume of a pod that will join already has somebody's data.
  const { address, enter } = await stage.network.place();
  const directory = group.volume('data-redis-3');
  const foreign = startRedis(stage.workspace, 'foreign', { address, enter, directory });
  const access = group.access;
  await waitFor('it answers', async () => await redisCommand(address, access, 'PING'), {
    timeoutMs: 5000,
  });
  await redisCommand(address, access, 'SET', 'precious', 'data');
  await redisCommand(address, access, 'SAVE');
  await foreign.stop();

  const pod = await group.create('redis-3');
  await waitFor('its agent answers', async () => (await pod.state()).podName === 'redis-3', {
    timeoutMs: 10_000,
  });
  const precious = async (): Promise<unknown> =>
    await withRedis(pod.ip, access, async (client) => await client.get('precious'));
  await holdsFor(10_000, async () => {
    if ((await precious()) !== 'data') throw new Error('the foreign data are gone');
  });
  t.pass('its data are there after 10 s');
  const there = await pod.replication();
  t.equal(there.masterHost === master.ip, false, 'it does not follow the master');
  t.ok((await pod.state()).problem, 'its /state names the problem');
  await oneMaster(group, { without: [pod] });

  const annotations = { [DISCARD_DATA_ANNOTATION]: there.replid };
  await group.admin.patch(pod.path, { metadata: { annotations } });
  await oneMaster(group, { timeoutMs: 20_000 });
  t.equal(await precious(), null, 'overwritten once a person has said so');
  await scenario.end(master);
});
