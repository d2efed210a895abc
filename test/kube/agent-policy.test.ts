// manifests/policy: an agent changes the role label of pods of its own group, its annotation on its own pod, and
// nothing else. Its Role lets it patch pods, so each refusal here is the policy's. Every agent asks with
// the token that its pod would have.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import type { V1Pod } from '@kubernetes/client-node';
import { createAgentAccount } from '../harness/agent-account.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { KubeClient } from '../harness/kube-client.ts';
import { programPath, REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';

const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const plane = await startControlPlane(workspace);
const { admin, url, caPem } = plane;
const { client: unbound } = await createAgentAccount(plane, 'shop');
const NAMESPACE = '/api/v1/namespaces/shop';
const PODS = `${NAMESPACE}/pods`;
const GROUP = 'redis-orchestrator.io/group';
const MIRROR = 'redis-orchestrator.io/mirror';
const ACCOUNT = 'redis-orchestrator';

type Owner = readonly [kind: string, name: string];

/** As its controller and the webhook would make it; no group: the webhook has not seen it. */
async function createPod(
  name: string,
  owner: Owner | undefined,
  group: string | undefined,
  labels: Record<string, string> = {},
): Promise<V1Pod> {
  const [kind = '', of = ''] = owner ?? [];
  const reference = {
    apiVersion: 'apps/v1',
    kind,
    name: of,
    uid: `uid-of-${of}`,
    controller: true,
  };
  return await admin.create<V1Pod>(PODS, {
    metadata: {
      name,
      labels: { app: 'redis', ...labels, ...(group === undefined ? {} : { [GROUP]: group }) },
      annotations: { mine: '1' },
      ownerReferences: owner === undefined ? [] : [reference],
    },
    spec: { serviceAccountName: ACCOUNT, containers: [{ name: 'redis', image: 'redis:7' }] },
  });
}

async function agentOf({ metadata }: V1Pod): Promise<KubeClient> {
  const { name, uid } = metadata ?? {};
  const path = `${NAMESPACE}/serviceaccounts/${ACCOUNT}/token`;
  const { status } = await admin.create<{ status: { token: string } }>(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid } },
  });
  const client = new KubeClient({ url, caPem, token: status.token });
  workspace.atEnd(async () => await client.close());
  return client;
}

const REDIS: Owner = ['StatefulSet', 'redis'];
const own = await createPod('redis-0', REDIS, 'redis');
await createPod('redis-1', REDIS, 'redis');
// Before it is adopted.
await createPod('redis-2', REDIS, undefined);
// The name of a set may look like that of another one's pod.
const lookAlike = await createPod('redis-0-0', ['StatefulSet', 'redis-0'], 'redis-0');
const other = await createPod('cache-0', ['StatefulSet', 'cache'], 'cache');
const hashed = { 'pod-template-hash': '7d4f9c5b6d' };
const deployed: Owner = ['ReplicaSet', 'redis-7d4f9c5b6d'];
const replica = await createPod('redis-7d4f9c5b6d-x2k4j', deployed, 'redis', hashed);
const former = { 'pod-template-hash': '5bc8d7' };
await createPod('redis-5bc8d7-aaaaa', ['ReplicaSet', 'redis-5bc8d7'], 'redis', former);
// A name with a vowel is no hash, though it stands where a Deployment's pod has one.
const daemon = await createPod('redis-cache-x2k4j', ['DaemonSet', 'redis-cache'], 'redis-cache');
const east = await createPod('east-0', ['StatefulSet', 'east'], 'both');
await createPod('west-0', ['StatefulSet', 'west'], 'both');
await createPod('web-0', ['StatefulSet', 'web'], undefined);
const agent = {
  redis: await agentOf(own),
  lookAlike: await agentOf(lookAlike),
  cache: await agentOf(other),
  deployed: await agentOf(replica),
  daemon: await agentOf(daemon),
  east: await agentOf(east),
  unbound,
};
const policy = join(REPOSITORY, 'manifests', 'policy');
execFileSync(programPath('kubectl'), [
  `--kubeconfig=${plane.adminKubeconfig}`,
  'apply',
  '-k',
  policy,
]);

/** Undefined where it was done. */
async function refusal(
  body: object,
  pod = 'redis-0',
  by = agent.redis,
): Promise<string | undefined> {
  try {
    await by.patch<V1Pod>(`${PODS}/${pod}`, body, Array.isArray(body) ? 'json' : 'merge');
  } catch (error) {
    return String(error);
  }
  return undefined;
}

const role = (value: string | null): object => ({ metadata: { labels: { 'redis-role': value } } });
const mirror = (value: string | null): object => ({
  metadata: { annotations: { [MIRROR]: value } },
});

// Another value each time: what changes nothing is refused to nobody.
let probes = 0;
await waitFor(
  'the policy is in force',
  async () => (await refusal({ metadata: { labels: { probe: `p${probes++}` } } })) !== undefined,
  { timeoutMs: 20_000 },
);

await t.test('what an agent does is let through', async (t) => {
  // The holder keeps the labels of the group, each agent its annotation.
  for (const pod of ['redis-0', 'redis-1', 'redis-2']) {
    for (const value of ['master', 'replica', null]) {
      t.equal(await refusal(role(value), pod), undefined, `${pod} ${value}`);
    }
  }
  t.equal(await refusal(mirror('{"term":1}')), undefined);
  t.equal(await refusal(mirror(null)), undefined);
});

await t.test('pods of a Deployment, and of two StatefulSets in one group', async (t) => {
  for (const pod of ['redis-7d4f9c5b6d-x2k4j', 'redis-5bc8d7-aaaaa']) {
    t.equal(await refusal(role('replica'), pod, agent.deployed), undefined, pod);
  }
  for (const pod of ['east-0', 'west-0']) {
    t.equal(await refusal(role('replica'), pod, agent.east), undefined, pod);
  }
});

type By = keyof typeof agent;
const OTHERS: readonly (readonly [By, string])[] = [
  ['redis', 'cache-0'],
  ['cache', 'redis-0'],
  ['redis', 'redis-0-0'],
  ['lookAlike', 'redis-0'],
  ['redis', 'redis-7d4f9c5b6d-x2k4j'],
  ['deployed', 'redis-0'],
  ['daemon', 'redis-7d4f9c5b6d-x2k4j'],
  ['east', 'redis-0'],
];
for (const [by, pod] of OTHERS) {
  await t.test(`refused to an agent of ${by}: pod ${pod} of another group`, async (t) => {
    for (const body of [role('master'), role('replica'), mirror('{"term":9}')]) {
      t.match(await refusal(body, pod, agent[by]), /of its own group only/);
    }
    const kept = await admin.get<V1Pod>(`${PODS}/${pod}`);
    t.not(kept.metadata?.labels?.['redis-role'], 'master');
  });
}

const FORBIDDEN: readonly (readonly [string, object, RegExp, string?, By?])[] = [
  ['another label', { metadata: { labels: { app: 'web' } } }, /no label but redis-role/],
  ['a label taken off', { metadata: { labels: { [GROUP]: null } } }, /no label but redis-role/],
  ['a role that is none', role('x'), /master or replica/],
  ['an annotation', { metadata: { annotations: { mine: '2' } } }, /no annotation but/],
  ['an annotation taken off', { metadata: { annotations: { mine: null } } }, /no annotation but/],
  ['the mirror of a peer', mirror('{"term":9}'), /on its own pod only/, 'redis-1'],
  ['the image', [{ op: 'replace', path: '/spec/containers/0/image', value: 'evil' }], /no spec/],
  ['a finalizer', { metadata: { finalizers: ['a.b/c'] } }, /neither owners nor finalizers/],
  ['a pod of no group', role('master'), /of a Redis group/, 'web-0'],
  ['a token that is bound to no pod', role('master'), /token of its pod/, 'redis-0', 'unbound'],
];

for (const [what, body, message, pod, by = 'redis'] of FORBIDDEN) {
  await t.test(`refused to an agent: ${what}`, async (t) => {
    t.match(await refusal(body, pod, agent[by]), message);
  });
}

await t.test('everybody else is none of its business', async (t) => {
  const pod = await admin.patch<V1Pod>(`${PODS}/redis-0`, { metadata: { labels: { app: 'x' } } });
  t.equal(pod.metadata?.labels?.['app'], 'x');
});
