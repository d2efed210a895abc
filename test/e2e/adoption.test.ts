// A group with data and without agents is adopted (DESIGN 7): its namespace is labelled, its
// StatefulSet restarted, and not a key is lost; with volumes and without.

import t, { type Test } from 'tap';
import { INJECT_LABEL } from '../../src/names.ts';
import { replicationInfo, withRedis } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Writer } from '../harness/writer.ts';
import { openCluster } from './cluster.ts';
import { Group } from './group.ts';
import { applyExample, type Flavour, REDIS, VALKEY } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { record } from './records.ts';

t.setTimeout(900_000);
// A rolling restart is mostly waiting.
t.jobs = 2;
const cluster = openCluster();
const KEYS = 500;

type Situation = {
  readonly flavour: Flavour;
  /** redis-1 and redis-2 follow redis-0; else they are empty masters. */
  readonly isReplicated: boolean;
  readonly withoutVolumes: boolean;
};

async function unmanagedGroup(t: Test, situation: Situation): Promise<Group> {
  const { flavour, isReplicated, withoutVolumes } = situation;
  const namespace = await createNamespace(t, cluster, `adopt-${flavour.name}`, {
    isInjected: false,
  });
  await applyExample(cluster, namespace, flavour.manifest, {
    image: flavour.image,
    withoutVolumes,
  });
  const group = new Group(cluster, namespace, flavour.name);
  const [first, ...others] = await group.allReady(3);
  if (first === undefined) throw new Error('no first pod');
  t.notOk(first.hasAgent, 'a namespace that is not labelled is left alone');
  await withRedis(first.ip, {}, async (client) => {
    const pipeline = client.pipeline();
    for (let key = 0; key < KEYS; key++) pipeline.set(`kept:${key}`, String(key));
    await pipeline.exec();
  });
  if (isReplicated) {
    for (const { ip } of others) await group.command(ip, 'REPLICAOF', first.ip, '6379');
    await waitFor(
      'the replicas made by hand are in sync',
      async () => {
        const infos = await Promise.all(others.map(({ ip }) => replicationInfo(ip, {})));
        return infos.every(({ linkUp, keys }) => linkUp && keys === KEYS);
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
  }
  return group;
}

async function missingKeys(address: string): Promise<number> {
  return await withRedis(address, {}, async (client) => {
    const keys = Array.from({ length: KEYS }, (_, key) => `kept:${key}`);
    const values = await client.mget(keys);
    return values.filter((value, key) => value !== String(key)).length;
  });
}

async function adoption(t: Test, situation: Situation): Promise<void> {
  const { flavour } = situation;
  const group = await unmanagedGroup(t, situation);
  const first = await group.pod(`${flavour.name}-0`);
  let turn = 0;
  // Tries all pods in turn; where the others are empty masters, the one with the data until it ends.
  const writer = new Writer({
    access: {},
    route: () => {
      const { addresses } = group;
      if (!situation.isReplicated && addresses.includes(first.ip)) return first.ip;
      return addresses[turn++ % addresses.length];
    },
    everyMs: 5,
    retryMs: 10,
  });
  t.teardown(async () => await writer.stop());
  const mark = performance.now();
  await cluster.kubectl(['label', 'namespace', group.namespace, `${INJECT_LABEL}=enabled`]);
  await group.kubectl('rollout', 'restart', `statefulset/${flavour.name}`);
  const master = await group.oneMaster(3, 200_000);
  await writer.firstAfter(performance.now(), 60_000);
  const image = flavour.image;
  const kind = `${situation.isReplicated ? 'replicated' : 'data in one pod'}, ${
    situation.withoutVolumes ? 'no volumes' : 'volumes'
  }`;
  record(t, { image, what: `adopted (${kind}): whole`, value: performance.now() - mark });
  record(t, { image, what: `adopted (${kind}): pause`, value: writer.largestGapMs(mark) });
  await writer.stop();
  t.equal(await missingKeys(master.ip), 0, `all ${KEYS} keys are there`);
  const lost = await writer.lost(master.ip);
  t.comment(`lost ${lost.length} of ${writer.ledger.length} acknowledged writes`);
  t.equal(lost.length, 0, 'no write that was acknowledged during the adoption is lost');
  for (const pod of await group.pods()) {
    const { keys } = await replicationInfo(pod.ip, {});
    // More: a write may be carried out though its answer was cut off.
    t.ok(keys >= KEYS + writer.ledger.length, `${pod.name} has everything`);
  }
}

const situations: readonly Situation[] = [
  { flavour: REDIS, isReplicated: true, withoutVolumes: true },
  { flavour: REDIS, isReplicated: false, withoutVolumes: true },
  { flavour: VALKEY, isReplicated: true, withoutVolumes: false },
  { flavour: REDIS, isReplicated: false, withoutVolumes: false },
];

for (const situation of situations) {
  const { flavour, isReplicated, withoutVolumes } = situation;
  const how = isReplicated ? 'replication made by hand' : 'data in the first pod only';
  const where = withoutVolumes ? 'without volumes' : 'with volumes';
  void t.test(`${flavour.image}, ${how}, ${where}`, { buffered: true }, async (t) => {
    await adoption(t, situation);
  });
}
