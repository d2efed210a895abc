// The roles of people on a real API server: the viewer sees and asks for nothing; the operator may ask the group
// `redis` and write no other Lease; `view` gets the viewer's rights.

import { join } from 'node:path';
import t from 'tap';
import type { V1ClusterRole } from '@kubernetes/client-node';
import { connect } from '../../cli/live/kube-cluster.ts';
import {
  endPause,
  withdrawRequest,
  writeRequest,
  writtenPause,
} from '../../cli/live/request-lease.ts';
import { leaseName } from '../../src/names.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { KubeClient } from '../harness/kube-client.ts';
import { applyPeopleRoles, call, createPerson, rulesOf } from '../harness/people.ts';
import { programPath } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';

const SHOP = 'shop';
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${SHOP}/leases`;
const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace, { controllerManager: true });
const { admin } = controlPlane;
await admin.create('/api/v1/namespaces', { metadata: { name: SHOP } });
await applyPeopleRoles(controlPlane);

const lease = (name: string): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
});
await admin.create(LEASES, lease(leaseName('redis')));

async function person(name: string, role: 'viewer' | 'operator') {
  const { kubeconfig, access } = await createPerson(controlPlane, SHOP, name, rulesOf(role));
  const cluster = connect({ kubeconfig, context: undefined, timeoutMs: 5000 });
  const client = new KubeClient(access);
  workspace.atEnd(async () => {
    cluster.close();
    await client.close();
  });
  return { cluster, client };
}

const place = (group: string) => ({ namespace: SHOP, group });

await t.test('whoever may view a namespace may see its groups', async (t) => {
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/view';
  const rules = async () => (await admin.get<V1ClusterRole>(path)).rules ?? [];
  await waitFor(
    'the rights of the viewer are in view',
    async () => (await rules()).some(({ resources }) => resources?.includes('pods/proxy')),
    { timeoutMs: 20_000 },
  );
  const verbs = (await rules()).find(({ resources }) => resources?.includes('pods/proxy'))?.verbs;
  t.same(verbs, ['get'], 'and GET alone');
});

await t.test('the viewer asks for nothing', async (t) => {
  const { cluster } = await person('victor', 'viewer');
  const written = await writeRequest(cluster, place('redis'), 'pause', '{}');
  t.match(written, { ok: false, status: 403 });
  t.match(written, {
    missing: 'patch leases/redis-orchestrator.request.redis in namespace shop',
  });
});

await t.test('the operator may ask, first and again, and take it back', async (t) => {
  const { cluster } = await person('olga', 'operator');
  const tried = await writeRequest(cluster, place('redis'), 'request', 'a', true);
  t.equal(tried.ok, true, 'it would be created');
  const path = `${LEASES}/redis-orchestrator.request.redis`;
  t.equal(await admin.find(path), undefined, 'and was not');
  t.equal((await writeRequest(cluster, place('redis'), 'request', 'a')).ok, true);
  t.equal((await writeRequest(cluster, place('redis'), 'pause', 'p')).ok, true);
  const annotations = async (): Promise<unknown> =>
    (await admin.get<{ metadata: { annotations?: unknown } }>(path)).metadata.annotations;
  const [request, pause] = ['redis-orchestrator.io/request', 'redis-orchestrator.io/pause'];
  t.same(await annotations(), { [request]: 'a', [pause]: 'p' }, 'one leaves the other alone');
  t.equal((await writeRequest(cluster, place('redis'), 'request', 'b')).ok, true);
  const late = await withdrawRequest(cluster, place('redis'), 'a');
  t.equal(late.ok, false, 'what somebody asked for since stays');
  t.same(await annotations(), { [request]: 'b', [pause]: 'p' });
  t.equal((await withdrawRequest(cluster, place('redis'), 'b')).ok, true);
  t.equal((await endPause(cluster, place('redis'))).ok, true);
  t.same(await annotations(), undefined);
});

await t.test('a pause that was written by kubectl is ended, too', async (t) => {
  const { cluster } = await person('otto', 'operator');
  await admin.patch(`${LEASES}/redis-orchestrator.request.redis`, {
    metadata: { annotations: { 'redis-orchestrator.io/pause': 'by hand' } },
  });
  t.equal(await writtenPause(cluster, place('redis')), null, 'what no agent would take is none');
  const pause = { by: 'olga', reason: 'disks', expires: '2026-01-31T12:00:00Z' };
  const text = JSON.stringify(pause);
  t.equal((await writeRequest(cluster, place('redis'), 'pause', text)).ok, true, 'taken over');
  t.same(await writtenPause(cluster, place('redis')), {
    by: 'olga',
    reason: 'disks',
    until: '2026-01-31T12:00:00Z',
  });
  t.equal((await endPause(cluster, place('redis'))).ok, true);
});

await t.test('kubectl asks with the same rights, by server-side apply', async (t) => {
  const { kubeconfig } = await createPerson(controlPlane, SHOP, 'kate', rulesOf('operator'));
  await admin.delete(`${LEASES}/redis-orchestrator.request.redis`);
  const manifest = {
    ...lease('redis-orchestrator.request.redis'),
    metadata: {
      name: 'redis-orchestrator.request.redis',
      annotations: { 'redis-orchestrator.io/request': '{}' },
    },
  };
  const file = join(t.testdir({ 'lease.json': JSON.stringify(manifest) }), 'lease.json');
  const args = ['apply', '--server-side', '--force-conflicts', '-n', SHOP, '-f', file];
  const program = [programPath('kubectl')];
  for (const time of ['created', 'written again']) {
    const { code, stderr } = await call(kubeconfig, args, { program });
    t.same([code, stderr], [0, ''], time);
  }
});

await t.test('the operator can take no mastership, and asks no other group', async (t) => {
  const { cluster, client } = await person('oscar', 'operator');
  t.match(await writeRequest(cluster, place('other'), 'request', 'a'), {
    missing: 'patch leases/redis-orchestrator.request.other in namespace shop',
  });
  const own = `${LEASES}/${leaseName('redis')}`;
  await t.rejects(client.patch(own, { metadata: { annotations: { a: 'b' } } }), {
    message: /: 403 /,
  });
  await t.rejects(client.create(LEASES, lease('mine')), { message: /: 403 / });
  await t.rejects(client.create(LEASES, lease('redis-orchestrator.request.redis')), {
    message: /: 403 /,
  });
  await t.rejects(client.delete(`${LEASES}/redis-orchestrator.request.redis`), {
    message: /: 403 /,
  });
});
