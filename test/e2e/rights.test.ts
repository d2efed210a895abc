// The agent's account can do what its Role says and nothing else: asked with the very token that
// the agent's container holds, and tried.

import t from 'tap';
import type { V1ResourceRule } from '@kubernetes/client-node';
import { leaseName } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { openCluster, withToken } from './cluster.ts';
import { Group } from './group.ts';
import { applyExample, REDIS } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { agentToken } from './processes.ts';

t.setTimeout(300_000);
const cluster = openCluster();
const namespace = await createNamespace(t, cluster, 'rights');
const elsewhere = await createNamespace(t, cluster, 'elsewhere');
await applyExample(cluster, namespace, REDIS.manifest, { image: REDIS.image });
const group = new Group(cluster, namespace, REDIS.name);
const master = await group.oneMaster();
const agent = withToken(cluster, agentToken(master.uid));

type Question = {
  readonly verb: string;
  readonly resource: string;
  readonly apiGroup?: string;
  readonly subresource?: string;
  readonly in?: string;
};

function words(question: Question): string {
  const { verb, resource, apiGroup = '', subresource, in: where = namespace } = question;
  const name = [resource, ...(subresource === undefined ? [] : [subresource])].join('/');
  return `${verb} ${name}${apiGroup === '' ? '' : `.${apiGroup}`} in ${where || 'all namespaces'}`;
}

async function isAllowed(question: Question): Promise<boolean> {
  const { verb, resource, apiGroup = '', subresource, in: where = namespace } = question;
  const { status } = await agent.authorization.createSelfSubjectAccessReview({
    body: {
      spec: {
        resourceAttributes: {
          verb,
          resource,
          group: apiGroup,
          namespace: where,
          ...(subresource === undefined ? {} : { subresource }),
        },
      },
    },
  });
  return status?.allowed === true;
}

const LEASES = { apiGroup: 'coordination.k8s.io', resource: 'leases' };
const EVERYWHERE = '';

await t.test('what the Role says is allowed', async (t) => {
  for (const rule of AGENT_RULES) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const question = { verb, resource, apiGroup: rule.apiGroups?.[0] ?? '' };
        t.ok(await isAllowed(question), words(question));
      }
    }
  }
});

const FORBIDDEN: readonly Question[] = [
  ...['get', 'list', 'watch', 'create'].map((verb) => ({ verb, resource: 'secrets' })),
  ...['create', 'delete', 'deletecollection', 'update'].map((verb) => ({ verb, resource: 'pods' })),
  { verb: 'create', resource: 'pods', subresource: 'exec' },
  { verb: 'create', resource: 'pods', subresource: 'eviction' },
  { verb: 'get', resource: 'pods', subresource: 'log' },
  { verb: 'patch', resource: 'pods', subresource: 'status' },
  { verb: 'get', resource: 'configmaps' },
  { verb: 'patch', resource: 'services' },
  { verb: 'delete', resource: 'persistentvolumeclaims' },
  { verb: 'create', resource: 'serviceaccounts', subresource: 'token' },
  { verb: 'patch', resource: 'statefulsets', apiGroup: 'apps' },
  { verb: 'create', resource: 'rolebindings', apiGroup: 'rbac.authorization.k8s.io' },
  { verb: 'delete', ...LEASES },
  { verb: 'get', ...LEASES, in: elsewhere },
  { verb: 'update', ...LEASES, in: elsewhere },
  { verb: 'list', resource: 'pods', in: elsewhere },
  { verb: 'patch', resource: 'pods', in: elsewhere },
  { verb: 'list', resource: 'pods', in: EVERYWHERE },
  { verb: 'list', resource: 'namespaces', in: EVERYWHERE },
  { verb: 'list', resource: 'nodes', in: EVERYWHERE },
];

await t.test('what the Role does not say is forbidden', async (t) => {
  for (const question of FORBIDDEN) t.notOk(await isAllowed(question), words(question));
});

function flatten(rules: readonly V1ResourceRule[]): string[] {
  return rules
    .flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((apiGroup) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroup}/${resource}`)),
      ),
    )
    .sort();
}

await t.test('the API server lists the Role and no rule more', async (t) => {
  const { status } = await agent.authorization.createSelfSubjectRulesReview({
    body: { spec: { namespace } },
  });
  // Every account may ask about itself.
  const own = (status?.resourceRules ?? []).filter(
    ({ resources }) => resources?.some((resource) => resource.startsWith('selfsubject')) !== true,
  );
  t.same(flatten(own), flatten(AGENT_RULES));
});

await t.test('the API server refuses what is tried', async (t) => {
  const name = master.name;
  const forbidden = /forbidden/i;
  await t.rejects(agent.core.listNamespacedSecret({ namespace }), forbidden, 'secrets');
  await t.rejects(agent.core.deleteNamespacedPod({ namespace, name }), forbidden, 'deletion');
  await t.rejects(agent.core.listNamespacedPod({ namespace: elsewhere }), forbidden, 'elsewhere');
  const lease = { namespace: elsewhere, name: leaseName(REDIS.name) };
  await t.rejects(agent.coordination.readNamespacedLease(lease), forbidden, 'other Leases');
  const own = { namespace, name: leaseName(REDIS.name) };
  t.ok((await agent.coordination.readNamespacedLease(own)).spec, 'its own Lease can be read');
});
