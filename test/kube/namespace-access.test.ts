// What one namespace gets, on a real API server, while somebody else writes to the same objects.

import t from 'tap';
import { KubeConfig, RbacAuthorizationV1Api, CoreV1Api } from '@kubernetes/client-node';
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
