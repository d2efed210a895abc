// manifests/policy: of a pod an agent changes the role label and its own annotation, and nothing else. Its
// Role lets it patch pods, so each refusal here is the policy's.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import type { V1Pod } from '@kubernetes/client-node';
import { createAgentAccount } from '../harness/agent-account.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { programPath, REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';

const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const plane = await startControlPlane(workspace);
const { admin } = plane;
const { client } = await createAgentAccount(plane, 'shop');
const PODS = '/api/v1/namespaces/shop/pods';
const GROUP = 'redis-orchestrator.io/group';
const MIRROR = 'redis-orchestrator.io/mirror';

async function createPod(name: string, labels: Record<string, string>): Promise<void> {
  const containers = [{ name: 'redis', image: 'redis:7' }];
  const annotations = { mine: '1' };
  await admin.create(PODS, { metadata: { name, labels, annotations }, spec: { containers } });
}

await createPod('redis-0', { app: 'redis', [GROUP]: 'redis' });
await createPod('web-0', { app: 'web' });
const policy = join(REPOSITORY, 'manifests', 'policy');
const args = [`--kubeconfig=${plane.adminKubeconfig}`, 'apply', '-k', policy];
execFileSync(programPath('kubectl'), args);

const patch = async (body: object, pod = 'redis-0'): Promise<V1Pod> =>
  await client.patch<V1Pod>(`${PODS}/${pod}`, body, Array.isArray(body) ? 'json' : 'merge');

/** Undefined where it was done. */
async function refusal(body: object, pod?: string): Promise<string | undefined> {
  try {
    await patch(body, pod);
  } catch (error) {
    return String(error);
  }
  return undefined;
}

// Another value each time: what changes nothing is refused to nobody.
let probes = 0;
await waitFor(
  'the policy is in force',
  async () => (await refusal({ metadata: { labels: { probe: `p${probes++}` } } })) !== undefined,
  { timeoutMs: 20_000 },
);

await t.test('what an agent does is let through', async (t) => {
  for (const role of ['master', 'replica', null]) {
    t.equal(await refusal({ metadata: { labels: { 'redis-role': role } } }), undefined);
  }
  t.equal(await refusal({ metadata: { annotations: { [MIRROR]: '{"term":1}' } } }), undefined);
  t.equal(await refusal({ metadata: { annotations: { [MIRROR]: null } } }), undefined);
});

const FORBIDDEN: readonly (readonly [string, object, RegExp, string?])[] = [
  ['another label', { metadata: { labels: { app: 'web' } } }, /no label but redis-role/],
  ['a label taken off', { metadata: { labels: { [GROUP]: null } } }, /no label but redis-role/],
  ['a role that is none', { metadata: { labels: { 'redis-role': 'x' } } }, /master or replica/],
  ['an annotation', { metadata: { annotations: { mine: '2' } } }, /no annotation but/],
  ['an annotation taken off', { metadata: { annotations: { mine: null } } }, /no annotation but/],
  ['the image', [{ op: 'replace', path: '/spec/containers/0/image', value: 'evil' }], /no spec/],
  ['a finalizer', { metadata: { finalizers: ['a.b/c'] } }, /neither owners nor finalizers/],
  [
    'a pod of no group',
    { metadata: { labels: { 'redis-role': 'master' } } },
    /of a Redis group/,
    'web-0',
  ],
];

for (const [what, body, message, pod] of FORBIDDEN) {
  await t.test(`refused to an agent: ${what}`, async (t) => {
    t.match(await refusal(body, pod), message);
  });
}

await t.test('everybody else is none of its business', async (t) => {
  const pod = await admin.patch<V1Pod>(`${PODS}/redis-0`, { metadata: { labels: { app: 'x' } } });
  t.equal(pod.metadata?.labels?.['app'], 'x');
});
