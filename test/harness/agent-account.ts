// A namespace with the agent's service account, and a kubeconfig with a token of that account, so
// that agents under test have exactly the agent's rights and every missing one shows.

import { join } from 'node:path';
import { AGENT_ROLE, AGENT_SERVICE_ACCOUNT } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import type { ControlPlane } from './control-plane.ts';
import { type Access, KubeClient } from './kube-client.ts';
import { writeKubeconfig } from './kubeconfig.ts';

export type AgentAccount = {
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly access: Access;
  /** Speaks to the API server with the agent's rights. */
  readonly client: KubeClient;
};

export async function createAgentAccount(
  controlPlane: ControlPlane,
  namespace: string,
): Promise<AgentAccount> {
  const { admin } = controlPlane;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await admin.create('/api/v1/namespaces', { metadata: { name: namespace } });
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await Promise.all([
    // The one of pods without an agent; no controller runs that would make it.
    admin.create(accounts, { metadata: { name: 'default' } }),
    admin.create(accounts, { metadata: { name: AGENT_SERVICE_ACCOUNT } }),
    admin.create(`${rbac}/roles`, { metadata: { name: AGENT_ROLE }, rules: AGENT_RULES }),
    admin.create(`${rbac}/rolebindings`, {
      metadata: { name: AGENT_ROLE },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: AGENT_ROLE },
      subjects: [{ kind: 'ServiceAccount', name: AGENT_SERVICE_ACCOUNT, namespace }],
    }),
  ]);
  const answer = await admin.create<{ status: { token: string } }>(
    `${accounts}/${AGENT_SERVICE_ACCOUNT}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  );
  const { url, caPem } = controlPlane;
  const access = { url, caPem, token: answer.status.token };
  const kubeconfig = join(controlPlane.workspace.directory, `${namespace}.kubeconfig`);
  writeKubeconfig(kubeconfig, access);
  const client = new KubeClient(access);
  controlPlane.workspace.atEnd(async () => await client.close());
  return { namespace, kubeconfig, access, client };
}
