// The pods of a group, watched on a real API server: also those of a second StatefulSet that shares
// nothing but the group label.

import t from 'tap';
import type { V1Pod } from '@kubernetes/client-node';
import { systemClock } from '../../agent/clock.ts';
import { KubeApi } from '../../agent/kube/api.ts';
import { groupOf } from '../../agent/kube/group.ts';
import { PodsAdapter } from '../../agent/kube/pods.ts';
import { GROUP_LABEL } from '../../src/names.ts';
import { createAgentAccount } from '../harness/agent-account.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';

const NAMESPACE = 'group-pods';
const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace);
const { admin } = controlPlane;
const account = await createAgentAccount(controlPlane, NAMESPACE);
const api = new KubeApi(
  {
    origin: controlPlane.url,
    tls: { ca: controlPlane.caPem },
    headers: () => ({ authorization: `Bearer ${account.access.token}` }),
  },
  systemClock,
);
workspace.atEnd(async () => await api.close());
const base = `/api/v1/namespaces/${NAMESPACE}/pods`;

async function create(name: string, owner: string, labels: object): Promise<V1Pod> {
  const reference = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: owner, uid: owner };
  return await admin.create<V1Pod>(base, {
    metadata: { name, labels, ownerReferences: [{ ...reference, controller: true }] },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'redis', image: 'redis' }] },
  });
}

const self = await create('redis-0', 'redis', { app: 'redis', [GROUP_LABEL]: 'shared' });
await create('other-0', 'other', { app: 'other', [GROUP_LABEL]: 'shared' });
await create('foreign-0', 'foreign', { app: 'redis', [GROUP_LABEL]: 'foreign' });
await create('redis-1', 'redis', { app: 'redis' });
await create('stranger-0', 'stranger', { app: 'redis' });

const told: string[] = [];
const pods = new PodsAdapter(api, NAMESPACE);
pods.watch(
  groupOf(self, { group: undefined, labelSelector: 'app=redis' }),
  (list) =>
    told.push(
      list
        .map(({ name }) => name)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .join(' '),
    ),
  (detail) => t.fail(detail),
  Math.random,
);

async function tells(wanted: string): Promise<void> {
  await waitFor(`the group is ${wanted}`, () => told.at(-1) === wanted, {
    timeoutMs: 5000,
    picture: () => told.join('\n'),
  });
}

await t.test('both StatefulSets of the group, and the pod that has no agent yet', async (t) => {
  await tells('other-0 redis-0 redis-1');
  t.equal(told[0], 'other-0 redis-0 redis-1', 'at once: never half of the group');
});

await t.test('pods that come and go', async () => {
  await create('other-1', 'other', { app: 'other', [GROUP_LABEL]: 'shared' });
  await tells('other-0 other-1 redis-0 redis-1');
  await admin.delete(`${base}/other-0`, { gracePeriodSeconds: 0 });
  await tells('other-1 redis-0 redis-1');
});

await t.test('a pod that gets the group label is counted once', async (t) => {
  await admin.patch(`${base}/redis-1`, { metadata: { labels: { [GROUP_LABEL]: 'shared' } } });
  await tells('other-1 redis-0 redis-1');
  t.notOk(told.some((each) => /redis-1 redis-1/.test(each)));
});
