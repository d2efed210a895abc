// What one namespace gets, on a real API server, while somebody else writes to the same objects.

import t from 'tap';
import {
  ApiException,
  CoreV1Api,
  KubeConfig,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node';
import { NamespaceAccess } from '../../webhook/control/namespace-access.ts';
import { isStatus } from '../../webhook/kube.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { Workspace } from '../harness/workspace.ts';

const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace);
const { admin } = controlPlane;
const config = new KubeConfig();
config.loadFromFile(controlPlane.adminKubeconfig);
const core = config.makeApiClient(CoreV1Api);

const rbacOf = (namespace: string): string =>
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
const KINDS = ['roles', 'rolebindings'] as const;

type Written = { metadata: { labels?: object; annotations?: Record<string, string> } };

/** A client after each of whose reads of a Role or RoleBinding somebody else writes, as often as is said. */
function overtaken(times: number): { rbac: RbacAuthorizationV1Api; reads: () => number } {
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const count = { roles: 0, rolebindings: 0 };
  const interfere = async (kind: (typeof KINDS)[number], namespace: string): Promise<void> => {
    count[kind] += 1;
    if (count[kind] > times) return;
    await admin.patch(`${rbacOf(namespace)}/${kind}/redis-orchestrator-agent`, {
      metadata: { annotations: { person: `wrote ${count[kind]}` } },
    });
  };
  const [readRole, readBinding] = [
    rbac.readNamespacedRole.bind(rbac),
    rbac.readNamespacedRoleBinding.bind(rbac),
  ];
  rbac.readNamespacedRole = async (request) => {
    const found = await readRole(request);
    await interfere('roles', request.namespace);
    return found;
  };
  rbac.readNamespacedRoleBinding = async (request) => {
    const found = await readBinding(request);
    await interfere('rolebindings', request.namespace);
    return found;
  };
  return { rbac, reads: () => count.roles + count.rolebindings };
}

/** A namespace that was prepared, and whose objects somebody has spoilt. */
async function spoilt(namespace: string): Promise<void> {
  await admin.create('/api/v1/namespaces', { metadata: { name: namespace } });
  await new NamespaceAccess(core, config.makeApiClient(RbacAuthorizationV1Api)).ensure(namespace);
  for (const kind of KINDS) {
    await admin.patch(`${rbacOf(namespace)}/${kind}/redis-orchestrator-agent`, {
      metadata: { labels: { 'app.kubernetes.io/managed-by': null } },
    });
  }
}

await t.test('overtaken once: looked at again, and both writings are there', async (t) => {
  await spoilt('once');
  const { rbac, reads } = overtaken(1);
  t.same(await new NamespaceAccess(core, rbac).ensure('once'), [
    'Role redis-orchestrator-agent corrected',
    'RoleBinding redis-orchestrator-agent corrected',
  ]);
  t.equal(reads(), 4);
  for (const kind of KINDS) {
    const { metadata } = await admin.get<Written>(
      `${rbacOf('once')}/${kind}/redis-orchestrator-agent`,
    );
    t.match(metadata, {
      labels: { 'app.kubernetes.io/managed-by': 'redis-orchestrator' },
      annotations: { person: 'wrote 1' },
    });
  }
});

await t.test(
  "a person's finalizers stay when it is corrected, and a narrowed Role is widened",
  async (t) => {
    await spoilt('kept');
    const path = (kind: string): string => `${rbacOf('kept')}/${kind}/redis-orchestrator-agent`;
    const finalizers = ['example.org/keep'];
    for (const kind of KINDS) await admin.patch(path(kind), { metadata: { finalizers } });
    const { rules } = await admin.get<{ rules: object[] }>(path('roles'));
    const narrow = { rules: rules.map((rule) => ({ ...rule, resourceNames: ['nothing'] })) };
    const access = new NamespaceAccess(core, config.makeApiClient(RbacAuthorizationV1Api));
    t.equal((await access.ensure('kept')).length, 2);
    await admin.patch(path('roles'), narrow);
    t.same(await access.ensure('kept'), ['Role redis-orchestrator-agent corrected']);
    t.same((await admin.get<{ rules: object[] }>(path('roles'))).rules, rules);
    for (const kind of KINDS) t.match(await admin.get(path(kind)), { metadata: { finalizers } });
  },
);

await t.test(
  'a Role of a newer webhook keeps its rules, and gets the label it is seen by',
  async (t) => {
    await spoilt('newer');
    const path = `${rbacOf('newer')}/roles/redis-orchestrator-agent`;
    const newer = { 'redis-orchestrator.io/rules-revision': '1000' };
    await admin.patch(path, { metadata: { annotations: newer }, rules: [] });
    const access = new NamespaceAccess(core, config.makeApiClient(RbacAuthorizationV1Api));
    t.equal((await access.ensure('newer')).length, 2);
    const { metadata, rules } = await admin.get<Written & { rules?: object[] }>(path);
    t.match(metadata.labels, { 'app.kubernetes.io/managed-by': 'redis-orchestrator' });
    t.match(metadata.annotations, newer);
    t.same(rules ?? [], []);
    t.same(await access.ensure('newer'), []);
  },
);

await t.test('another refusal of code 409 is no object that is there', async (t) => {
  await admin.create('/api/v1/namespaces', { metadata: { name: 'counted' } });
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const create = rbac.createNamespacedRole.bind(rbac);
  // What a quota says on which others count at the same time; it cannot be had at will.
  const message = 'the object has been modified';
  const body = { kind: 'Status', code: 409, reason: 'Conflict', message };
  let refusals = 0;
  rbac.createNamespacedRole = async (request) => {
    if (refusals++ < 2) throw new ApiException(409, 'Conflict', JSON.stringify(body), {});
    return await create(request);
  };
  t.equal((await new NamespaceAccess(core, rbac).ensure('counted')).length, 3);
  t.equal(refusals, 3);
  t.ok(await admin.find(`${rbacOf('counted')}/roles/redis-orchestrator-agent`));
});

await t.test(
  'overtaken each time: given up after four looks, for the work queue to say and to try again',
  async (t) => {
    await spoilt('always');
    const { rbac, reads } = overtaken(Infinity);
    const failed = await new NamespaceAccess(core, rbac).ensure('always').then(
      () => undefined,
      (error: unknown) => error,
    );
    t.ok(isStatus(failed, 409), 'the conflict is told');
    t.equal(reads(), 4, 'the Role, four times');
  },
);
