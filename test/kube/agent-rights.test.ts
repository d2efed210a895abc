// The agent's account can do only what its Role says: asked of a real API server.

import t from 'tap';
import { createAgentAccount } from '../harness/agent-account.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { KubeError } from '../harness/kube-client.ts';
import { Workspace } from '../harness/workspace.ts';

const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace);
const account = await createAgentAccount(controlPlane, 'rights');
await createAgentAccount(controlPlane, 'elsewhere');

type Question = { readonly verb: string; readonly group: string; readonly resource: string };

/** As `kubectl auth can-i` asks. */
async function isAllowed(question: Question, namespace: string): Promise<boolean> {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const answer = await account.client.create<{ status: { allowed: boolean } }>(path, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { ...question, namespace } },
  });
  return answer.status.allowed;
}

function all(group: string, resource: string, verbs: string): Question[] {
  return verbs.split(' ').map((verb) => ({ verb, group, resource }));
}

const NEEDED = [
  ...all('', 'pods', 'get list watch patch'),
  ...all('coordination.k8s.io', 'leases', 'get list watch create update patch'),
  ...all('events.k8s.io', 'events', 'create patch'),
  ...all('', 'services', 'get list watch'),
  ...all('', 'persistentvolumeclaims', 'get list'),
  ...all('discovery.k8s.io', 'endpointslices', 'list watch create patch delete'),
];

const FORBIDDEN = [
  ...all('', 'pods', 'create delete deletecollection'),
  ...all('', 'pods/exec', 'create get'),
  ...all('', 'pods/status', 'patch update'),
  ...all('', 'secrets', 'get list watch'),
  ...all('', 'configmaps', 'get list watch'),
  ...all('', 'services', 'create update patch delete'),
  ...all('', 'endpoints', 'get create update patch delete'),
  ...all('discovery.k8s.io', 'endpointslices', 'get update deletecollection'),
  ...all('', 'serviceaccounts/token', 'create'),
  ...all('coordination.k8s.io', 'leases', 'delete deletecollection'),
  ...all('apps', 'statefulsets', 'get list update patch'),
  ...all('rbac.authorization.k8s.io', 'roles', 'get create update'),
];

const name = (each: Question): string => `${each.verb} ${each.group}/${each.resource}`;

await t.test('the agent may do what it needs, in its own namespace', async (t) => {
  for (const each of NEEDED) t.equal(await isAllowed(each, 'rights'), true, name(each));
});

await t.test('the agent may do nothing else', async (t) => {
  for (const each of FORBIDDEN) t.equal(await isAllowed(each, 'rights'), false, name(each));
});

await t.test('the agent may do nothing in another namespace', async (t) => {
  for (const each of NEEDED) t.equal(await isAllowed(each, 'elsewhere'), false, name(each));
  const path = '/api/v1/namespaces/elsewhere/pods';
  await t.rejects(account.client.get(path), KubeError, 'and a real request is refused');
});
