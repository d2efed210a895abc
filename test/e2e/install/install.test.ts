// Installed, upgraded and uninstalled under load, by both Helms and by kustomize: a group comes about, and from then
// on nothing of it may be heard by who writes. Not a write that was acknowledged is lost, and agents whose webhook is
// gone lead on and hand over. Runs before all else, while the product is not in the cluster yet (run.ts).

import t, { type Test } from 'tap';
import { leaseName, REQUEST_ANNOTATION, requestLeaseName } from '../../../src/names.ts';
import { redisCommand } from '../../harness/redis-client.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { Clients } from '../clients.ts';
import { openCluster } from '../cluster.ts';
import { Group, type GroupPod } from '../group.ts';
import { applyExample, REDIS } from '../manifest.ts';
import { createNamespace } from '../namespace.ts';
import { record } from '../records.ts';
import { HelmTest } from './helm-test.ts';
import { type Installer, installers, removeProduct, UPGRADED } from './installers.ts';

t.setTimeout(900_000);
const cluster = openCluster();

/** Two pods are enough, and come sooner than three. */
const SIZE = 2;
const CONFIGURATION = 'mutatingwebhookconfiguration/redis-orchestrator';
const CLUSTER_WIDE = [
  CONFIGURATION,
  'clusterrole/redis-orchestrator-webhook',
  'clusterrole/redis-orchestrator-viewer',
  'clusterrole/redis-orchestrator-operator',
  'clusterrolebinding/redis-orchestrator-webhook',
];
const IN_NAMESPACE = 'deployment,service,serviceaccount,role,rolebinding,networkpolicy,pdb';

async function managedGroup(t: Test, label: string): Promise<Group> {
  const namespace = await createNamespace(t, cluster, label);
  await applyExample(cluster, namespace, REDIS.manifest, {
    image: REDIS.image,
    withoutVolumes: true,
    replicas: SIZE,
  });
  const group = new Group(cluster, namespace, REDIS.name);
  await group.oneMaster(SIZE);
  return group;
}

async function isUpgraded(t: Test, { namespace }: Installer): Promise<void> {
  type Configuration = {
    webhooks: { timeoutSeconds: number; clientConfig: { caBundle?: string } }[];
  };
  const text = await cluster.kubectl(['get', CONFIGURATION, '-o', 'json']);
  for (const { timeoutSeconds, clientConfig } of (JSON.parse(text) as Configuration).webhooks) {
    t.equal(timeoutSeconds, UPGRADED.timeoutSeconds);
    t.ok(clientConfig.caBundle, 'the caBundle stays');
  }
  const areNew = async (): Promise<boolean> => {
    const { items } = await cluster.core.listNamespacedPod({
      namespace,
      labelSelector: 'app.kubernetes.io/component=webhook',
    });
    const present = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const isNew = present.map(({ spec }) => spec?.containers[0]?.args?.includes(UPGRADED.flag));
    return isNew.length === 2 && isNew.every(Boolean);
  };
  await waitFor('both webhooks are the new ones', areNew, { timeoutMs: 30_000, everyMs: 200 });
}

/** A pod that is created now has an agent: the webhook of the new version answers. */
async function replicaComesBack(t: Test, group: Group, master: GroupPod): Promise<void> {
  const before = (await group.pods()).find(({ name }) => name !== master.name);
  if (before === undefined) throw new Error('there is no replica');
  await group.kubectl('delete', 'pod', before.name);
  const present = await group.oneMaster(SIZE);
  t.equal(present.uid, master.uid, 'the same master');
  t.not((await group.pod(before.name)).uid, before.uid);
}

async function isGone(t: Test, { namespace }: Installer): Promise<void> {
  const found = await cluster.kubectl(['get', ...CLUSTER_WIDE, '--ignore-not-found']);
  t.equal(found.trim(), '', 'nothing is left in the cluster');
  const own = ['-n', namespace, 'get', IN_NAMESPACE, '-o', 'name', '--ignore-not-found'];
  t.notMatch(await cluster.kubectl(own), /redis-orchestrator/, 'nor in its namespace');
}

async function isRenewed(group: Group, times: number): Promise<void> {
  const seen = new Set<string>();
  await waitFor(
    'the Lease is renewed',
    async () => {
      const { namespace } = group;
      const lease = await cluster.coordination.readNamespacedLease({
        namespace,
        name: leaseName(group.name),
      });
      seen.add(String(lease.spec?.renewTime));
      return seen.size > times;
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
}

/** As the README tells people to ask for it. */
async function switchOver(group: Group): Promise<void> {
  const { namespace } = group;
  const name = leaseName(group.name);
  const { spec } = await cluster.coordination.readNamespacedLease({ namespace, name });
  const request = {
    id: 'after-uninstall',
    operation: 'switchover',
    term: spec?.leaseTransitions,
    expires: new Date(Date.now() + 60_000).toISOString(),
    by: 'test',
  };
  await cluster.coordination.createNamespacedLease({
    namespace,
    body: {
      metadata: {
        name: requestLeaseName(group.name),
        annotations: { [REQUEST_ANNOTATION]: JSON.stringify(request) },
      },
    },
  });
}

async function leadsOn(t: Test, group: Group, master: GroupPod): Promise<GroupPod> {
  await isRenewed(group, 3);
  const present = await group.oneMaster(SIZE);
  t.equal(present.uid, master.uid, 'the same master without a webhook');
  t.ok(present.hasAgent, 'pods keep their agents');
  await switchOver(group);
  return await waitFor(
    'the other pod is master',
    async () => {
      const next = await group.oneMaster(SIZE, 1000);
      return next.uid === master.uid ? undefined : next;
    },
    { timeoutMs: 30_000 },
  );
}

for (const installer of installers(t, cluster)) {
  await t.test(installer.name, async (t) => {
    const start = performance.now();
    await removeProduct(cluster);
    await installer.install();
    const { test } = installer;
    const helmTest = test && new HelmTest(t, cluster, { ...installer, test });
    await helmTest?.passes();
    await helmTest?.tellsWhatIsWrong();
    const group = await managedGroup(t, installer.name.replaceAll(/[^a-z0-9]+/g, '-'));
    await helmTest?.passes(new RegExp(`namespaces: .*${group.namespace}.*: account and rights`));
    const master = await group.oneMaster(SIZE);
    const clients = await Clients.start(t, group);
    const mark = performance.now();

    await installer.upgrade();
    await isUpgraded(t, installer);
    await replicaComesBack(t, group, master);
    await installer.uninstall();
    await isGone(t, installer);
    const what = `${installer.name}: upgraded and uninstalled: pause`;
    record(t, { image: REDIS.image, what, value: clients.direct.largestGapMs(mark) });

    const next = await leadsOn(t, group, master);
    await clients.writeAgain(performance.now());
    await clients.stop();
    const { lost, acknowledged } = await clients.loss(next.ip);
    t.comment(`lost ${lost} of ${acknowledged} acknowledged writes`);
    t.equal(lost, 0, 'every write that was acknowledged is there');
    t.equal(await redisCommand(next.ip, {}, 'SET', 'after', 'all'), 'OK');
    t.equal(await redisCommand(next.ip, {}, 'GET', 'after'), 'all', 'and it takes writes');
    t.comment(`${((performance.now() - start) / 1000).toFixed(0)} s`);
  });
}
