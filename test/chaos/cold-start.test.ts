// Starts and restarts of a whole group (scenarios 34, 35, 36).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { replicationInfo } from '../harness/redis-client.ts';
import { groupPicture, oneMaster } from '../harness/one-master.ts';
import { emptyGroup, openStage, startScenario } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

await declare([34], 'an empty group that starts elects its oldest instance', async (t) => {
  const group = await emptyGroup(t, stage);
  const oldest = await group.create('redis-2', { agent: false });
  await waitFor(
    'redis-2 is clearly older than the others will be',
    async () => (await replicationInfo(oldest.ip, oldest.access)).uptimeSeconds >= 3,
    { timeoutMs: 10_000 },
  );
  await group.create('redis-0', { agent: false });
  await group.create('redis-1', { agent: false });
  const started = performance.now();
  for (const pod of group.pods) pod.startAgent();
  const master = await oneMaster(group, { timeoutMs: 30_000 });
  t.comment(`one master ${(performance.now() - started).toFixed(0)} ms after the agents' start`);
  t.equal(master.name, 'redis-2', 'the oldest, though its name is the largest');
});

await declare(
  [34],
  'instances of one age: the smallest name decides, and it decides once',
  async (t) => {
    const group = await emptyGroup(t, stage);
    const started = performance.now();
    await group.scaleUp(3);
    const master = await oneMaster(group, { timeoutMs: 30_000 });
    t.comment(`one master ${(performance.now() - started).toFixed(0)} ms after the pods' creation`);
    const states = await Promise.all(group.pods.map(async (pod) => await pod.state()));
    const order = states
      .map((state) => `${state.startupTime} ${state.podName}`)
      .sort()
      .map((text) => text.split(' ')[1]);
    t.equal(master.name, order[0], 'the oldest start, then the smallest name');
    const before = await group.lease();
    t.equal(before?.podUid, master.uid, 'the Lease names the pod and its UID');
    await holdsFor(5000, async () => {
      const lease = await group.lease();
      if (lease?.term !== before?.term) throw new Error(await groupPicture(group));
    });
    t.pass('the term stays for 5 s');
  },
);

await declare(
  [35, 67],
  'all containers crash together: the freshest data win and nothing is lost',
  async (t) => {
    const { scenario, group } = await startScenario(t, stage, { persistence: 'aof' });
    const mark = performance.now();
    for (const pod of group.pods) {
      pod.redis.signal('SIGKILL');
      pod.agent.signal('SIGKILL');
    }
    await scenario.recovery('all crashed', mark, 40_000);
    const master = await oneMaster(group, { timeoutMs: 40_000 });
    await scenario.end(master);
  },
);

await declare(
  [35, 67],
  "all containers crash together and the master's comes back last: nothing is lost",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { persistence: 'aof' });
    master.redis.setRestartDelay(4000);
    const mark = performance.now();
    for (const pod of group.pods) {
      pod.redis.signal('SIGKILL');
      pod.agent.signal('SIGKILL');
    }
    await scenario.recovery('all crashed, the master back last', mark, 40_000);
    const after = await oneMaster(group, { timeoutMs: 40_000 });
    await scenario.end(after);
  },
);

await declare(
  [36],
  'all pods are deleted at once and come back with their volumes: nothing is lost',
  async (t) => {
    const { scenario, group } = await startScenario(t, stage, {
      persistence: 'aof',
      graceSeconds: 10,
    });
    const mark = performance.now();
    const old = group.pods;
    await Promise.all(old.map(async (pod) => await pod.delete()));
    for (const pod of old) group.forget(pod);
    await group.scaleUp(3);
    const master = await oneMaster(group, { timeoutMs: 40_000 });
    await scenario.busy();
    t.comment(`writes paused for ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
    await scenario.end(master);
  },
);

await declare(
  [36],
  'a group that is scaled to 0 and back recovers unaided with its data',
  async (t) => {
    const { scenario, group } = await startScenario(t, stage, {
      persistence: 'aof',
      graceSeconds: 10,
    });
    for (const name of ['redis-2', 'redis-1', 'redis-0']) {
      const pod = group.pod(name);
      await pod.delete();
      group.forget(pod);
    }
    t.equal((await group.podObjects()).length, 0, 'no pod is left');
    const mark = performance.now();
    await group.create('redis-0');
    await group.create('redis-1');
    await group.create('redis-2');
    await scenario.recovery('scaled back', mark, 60_000);
    const master = await oneMaster(group, { timeoutMs: 40_000 });
    await scenario.end(master);
  },
);
