// A group with data and without agents is restarted pod by pod into a managed one (DESIGN 7;
// scenarios 61, 62, 63).

import t, { type Test } from 'tap';
import { ADOPT_FROM_ANNOTATION, DISCARD_DATA_ANNOTATION } from '../../src/names.ts';
import { declarations } from '../harness/declare.ts';
import type { Group, GroupOptions } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { emptyGroup, openStage } from '../harness/scenario.ts';
import { ServiceRoute } from '../harness/service-route.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';
import { Writer } from '../harness/writer.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);

async function fill(pod: Pod, prefix: string, count: number): Promise<void> {
  await withRedis(pod.ip, pod.access, async (client) => {
    for (let index = 0; index < count; index++) await client.set(`${prefix}:${index}`, 'x');
  });
}

/** Three pods from before the injection, replicating by hand from redis-0, which has 500 keys. */
async function plainGroup(t: Test, options: GroupOptions): Promise<{ group: Group; old: Pod }> {
  const group = await emptyGroup(t, stage, { graceSeconds: 10, ...options });
  await group.scaleUp(3, { managed: false });
  const old = group.pod('redis-0');
  await waitFor('redis-0 answers', async () => (await old.replication()).role === 'master', {
    timeoutMs: 10_000,
  });
  await fill(old, 'old', 500);
  for (const pod of group.others(old)) {
    await waitFor('Redis answers', async () => await pod.replication(), { timeoutMs: 10_000 });
    await redisCommand(pod.ip, pod.access, 'CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
    await redisCommand(pod.ip, pod.access, 'REPLICAOF', old.ip, '6379');
  }
  for (const pod of group.others(old)) {
    await waitFor('the replica is in sync', async () => (await pod.replication()).keys === 500, {
      timeoutMs: 20_000,
    });
  }
  return { group, old };
}

/** As a StatefulSet rolls: from the highest ordinal down, waiting for each to run. */
async function replace(group: Group, name: string): Promise<Pod> {
  const before = group.pod(name);
  await before.delete();
  group.forget(before);
  const pod = await group.create(name);
  await waitFor(`${name}'s agent answers`, async () => (await pod.state()).podName === name, {
    timeoutMs: 20_000,
  });
  return pod;
}

/** Redis forgets its lineage when it restarts from an AOF: a person must say that it may follow. */
async function allowDiscard(group: Group, pod: Pod): Promise<void> {
  const replid = await waitFor(
    'its /state names the data that are in conflict',
    async () => /discard-data=([0-9a-f]+)/.exec((await pod.state()).problem ?? '')?.[1],
    { timeoutMs: 10_000, picture: () => pod.logTail() },
  );
  const annotations = { [DISCARD_DATA_ANNOTATION]: replid };
  await group.admin.patch(pod.path, { metadata: { annotations } });
}

async function rollsWithoutLoss(
  t: Test,
  options: GroupOptions,
  onReturn: (group: Group, pod: Pod) => Promise<void> = async () => {},
): Promise<void> {
  const { group, old } = await plainGroup(t, options);
  const route = new ServiceRoute(group);
  // Before the first label the clients know the old master's address.
  const writer = new Writer({ access: group.access, route: () => route.pick() ?? old.ip });
  t.teardown(async () => await Promise.all([writer.stop(), route.stop()]));
  await writer.firstAfter(performance.now(), 5000);
  for (const name of ['redis-2', 'redis-1']) {
    const pod = await replace(group, name);
    await onReturn(group, pod);
    await waitFor(
      `${name} follows the unmanaged master`,
      async () => {
        const info = await pod.replication();
        return info.masterHost === old.ip && info.linkUp;
      },
      { timeoutMs: 30_000, picture: () => pod.logTail() },
    );
    t.equal((await old.replication()).role, 'master', 'the old master serves on');
  }
  const mark = performance.now();
  // Its data are what the new master's descend from: nobody need be asked.
  await replace(group, 'redis-0');
  const master = await oneMaster(group, { timeoutMs: 40_000 });
  await writer.firstAfter(performance.now(), 10_000);
  t.comment(`longest pause ${writer.largestGapMs(mark).toFixed(0)} ms`);
  await Promise.all([writer.stop(), route.stop()]);
  const lost = await writer.lost(master.ip);
  t.equal(lost.length, 0, `no acknowledged write of ${writer.ledger.length} is lost`);
  const olds = await redisCommand(master.ip, group.access, 'EXISTS', ...oldKeys());
  t.equal(olds, 500, 'and none of the keys from before');
}

function oldKeys(): string[] {
  return Array.from({ length: 500 }, (_, index) => `old:${index}`);
}

await declare(
  [61],
  'a running group with data and volumes is adopted without losing a key',
  async (t) => {
    await rollsWithoutLoss(t, { persistence: 'rdb' });
  },
);

await declare([61], 'a running group with an AOF is adopted once a person agrees', async (t) => {
  await rollsWithoutLoss(t, { persistence: 'aof' }, allowDiscard);
});

await declare(
  [61, 62],
  'a running group without volumes is adopted without losing a key',
  async (t) => {
    await rollsWithoutLoss(t, { persistence: 'none', volumes: false });
  },
);

await declare(
  [63],
  'two unmanaged masters with different keys: nobody promotes until a person chooses',
  async (t) => {
    const group = await emptyGroup(t, stage, { graceSeconds: 10 });
    const left = await group.create('redis-0', { managed: false });
    const right = await group.create('redis-1', { managed: false });
    for (const pod of [left, right]) {
      await waitFor('Redis answers', async () => await pod.replication(), { timeoutMs: 10_000 });
    }
    await fill(left, 'left', 10);
    await fill(right, 'right', 20);
    const pod = await group.create('redis-2');
    await waitFor('the agent answers', async () => (await pod.state()).podName === pod.name, {
      timeoutMs: 20_000,
    });
    await holdsFor(10_000, async () => {
      const info = await pod.replication();
      if (info.role === 'master' || info.masterHost !== '127.0.0.1') {
        throw new Error(`${info.role} of ${info.masterHost}\n${pod.logTail()}`);
      }
    });
    t.pass('it neither promotes nor follows');
    t.ok((await pod.state()).problem, 'its /state names the conflict');
    t.equal((await left.replication()).keys, 10, "the left one's keys are there");
    t.equal((await right.replication()).keys, 20, "the right one's keys are there");

    // A person decides: there is no Lease yet, so the annotation stands on the pod.
    const annotations = { [ADOPT_FROM_ANNOTATION]: 'true' };
    await group.admin.patch(right.path, { metadata: { annotations } });
    await waitFor(
      'it follows the chosen one',
      async () => (await pod.replication()).masterHost === right.ip,
      { timeoutMs: 30_000, picture: () => pod.logTail() },
    );
    t.pass('it follows the one that a person chose');
  },
);
