// The webhook's account can do what is listed here and nothing else: every verb on every resource that the API
// server has is asked for, and what an intruder would do with the account is really tried.

import t from 'tap';
import { AGENT_ROLE, AGENT_SERVICE_ACCOUNT } from '../../src/names.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { KubeClient, KubeError } from '../harness/kube-client.ts';
import { openWebhookStage, SYSTEM } from './webhook-setup.ts';

const { controlPlane } = await openWebhookStage(t);
const { admin, url, caPem } = controlPlane;
const ACCOUNT = 'redis-orchestrator-webhook';
const accounts = `/api/v1/namespaces/${SYSTEM}/serviceaccounts`;
const { status } = await admin.create<{ status: { token: string } }>(
  `${accounts}/${ACCOUNT}/token`,
  {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  },
);
const webhook = new KubeClient({ url, caPem, token: status.token });
t.teardown(async () => await webhook.close());
for (const name of ['shop', 'other']) {
  await admin.create('/api/v1/namespaces', { metadata: { name } });
}

const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const rbacOf = (namespace: string): string => `/apis/${RBAC}/v1/namespaces/${namespace}`;
const ANYTHING = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
const READ_SECRETS = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }];
const subject = { kind: 'ServiceAccount', name: ACCOUNT, namespace: SYSTEM };
const refTo = (kind: string, name: string): object => ({ apiGroup: RBAC, kind, name });
const ROLE = { metadata: { name: AGENT_ROLE }, rules: AGENT_RULES };

// What a real one would find.
await admin.create('/api/v1/namespaces/shop/secrets', { metadata: { name: 'password' } });
await admin.create(`/api/v1/namespaces/${SYSTEM}/secrets`, { metadata: { name: 'neighbour' } });
await admin
  .create(`/api/v1/namespaces/shop/serviceaccounts`, { metadata: { name: 'default' } })
  .catch(() => undefined);
await admin.create('/api/v1/namespaces/shop/pods', {
  metadata: { name: 'redis-0' },
  spec: { containers: [{ name: 'redis', image: 'redis:7' }], automountServiceAccountToken: false },
});
await admin.create(`${rbacOf('shop')}/roles`, { metadata: { name: 'strong' }, rules: ANYTHING });
await webhook.create(`${rbacOf('shop')}/roles`, ROLE);
await webhook.create(`${rbacOf('shop')}/rolebindings`, {
  metadata: { name: AGENT_ROLE },
  roleRef: refTo('Role', AGENT_ROLE),
  subjects: [subject],
});

type Right = { verb: string; group: string; resource: string; name: string; namespace: string };
const AT_ONCE = 16;
const VERBS = 'get list watch create update patch delete deletecollection'.split(' ');
/** Verbs that no request has and that RBAC asks for by themselves: at home, where it has the most. */
const SPECIAL = [
  'escalate',
  'bind',
  'impersonate',
  'approve',
  'sign',
  'attest',
  'use',
  'proxy',
  '*',
];
const CA_SECRET = 'redis-orchestrator-webhook-ca';
const NAMES = ['', AGENT_SERVICE_ACCOUNT, AGENT_ROLE, CA_SECRET, 'redis-orchestrator', 'else'];
/** Of these only, names matter: the rest is asked for without. */
const NAMED = [
  'secrets',
  'serviceaccounts',
  'roles',
  'rolebindings',
  'mutatingwebhookconfigurations',
];

/** Everywhere, whatever its name. */
const EVERYWHERE: readonly (readonly [string, string, string])[] = [
  ['', 'namespaces', 'list watch'],
  ['', 'nodes', 'list'],
  // Whose Event it is.
  ['apps', 'replicasets', 'get'],
  ['batch', 'jobs', 'get'],
  ['', 'serviceaccounts', 'get list watch create'],
  [RBAC, 'roles', 'get list watch create'],
  [RBAC, 'rolebindings', 'get list watch create'],
  // What it may grant, it must hold.
  ...AGENT_RULES.map(
    ({ apiGroups, resources, verbs }) =>
      [apiGroups?.[0] ?? '', resources?.[0] ?? '', verbs.join(' ')] as const,
  ),
];
/** Of one name only. */
const BY_NAME: readonly (readonly [string, string, string, string])[] = [
  ['', 'serviceaccounts', AGENT_SERVICE_ACCOUNT, 'patch delete'],
  [RBAC, 'roles', AGENT_ROLE, 'update delete'],
  [RBAC, 'rolebindings', AGENT_ROLE, 'update delete'],
  [ADMISSION, 'mutatingwebhookconfigurations', 'redis-orchestrator', 'get list watch patch'],
];
/** In the webhook's own namespace. */
const AT_HOME: readonly (readonly [string, string, string, string])[] = [
  ['', 'secrets', '', 'create'],
  ['', 'secrets', CA_SECRET, 'get list watch update'],
];
/** Of every account, by the API server's own defaults (system:basic-user). */
const OF_EVERYBODY: readonly (readonly [string, string, string])[] = [
  ['authorization.k8s.io', 'selfsubjectaccessreviews', 'create'],
  ['authorization.k8s.io', 'selfsubjectrulesreviews', 'create'],
  ['authentication.k8s.io', 'selfsubjectreviews', 'create'],
];

function isExpected({ verb, group, resource, name, namespace }: Right): boolean {
  const has = (rule: readonly [string, string, ...string[]], verbs = ''): boolean =>
    rule[0] === group && rule[1] === resource && verbs.split(' ').includes(verb);
  if ([...EVERYWHERE, ...OF_EVERYBODY].some((rule) => has(rule, rule[2]))) return true;
  if (BY_NAME.some((rule) => has(rule, rule[3]) && rule[2] === name)) return true;
  if (namespace !== SYSTEM) return false;
  return AT_HOME.some((rule) => has(rule, rule[3]) && (rule[2] === '' || rule[2] === name));
}

type Listed = { resources: { name: string; verbs: string[] }[] };

/** Every resource and subresource that this API server has, of all groups. */
async function discovered(): Promise<readonly { group: string; resource: string }[]> {
  const { groups } = await admin.get<{
    groups: { name: string; versions: { groupVersion: string }[] }[];
  }>('/apis');
  const paths = groups.flatMap(({ name, versions }) =>
    versions.map(({ groupVersion }) => ({ group: name, path: `/apis/${groupVersion}` })),
  );
  const found = [...paths, { group: '', path: '/api/v1' }].map(async ({ group, path }) => {
    const { resources } = await admin.get<Listed>(path);
    return resources.map(({ name }) => `${group} ${name}`);
  });
  const all = new Set((await Promise.all(found)).flat());
  return [...all].sort().map((text) => {
    const [group = '', resource = ''] = text.split(' ');
    return { group, resource };
  });
}

async function isAllowed(right: Right): Promise<boolean> {
  const { resource: full, ...rest } = right;
  const [resource, subresource] = full.split('/');
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const answer = await webhook.create<{ status: { allowed: boolean } }>(path, {
    spec: { resourceAttributes: { ...rest, resource, subresource } },
  });
  return answer.status.allowed;
}

async function inTurns<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let each = left.pop(); each !== undefined; each = left.pop()) await work(each);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

await t.test(
  'every verb on every resource: allowed is what is listed, and all of it',
  async (t) => {
    const resources = await discovered();
    const extra = [
      { group: '', resource: 'users' },
      { group: '', resource: 'groups' },
      { group: '*', resource: '*' },
    ];
    const places = ['', SYSTEM, 'shop'].flatMap((namespace) =>
      [...VERBS, ...(namespace === SYSTEM ? SPECIAL : [])].map((verb) => ({ namespace, verb })),
    );
    const rights = [...resources, ...extra].flatMap(({ group, resource }) =>
      (NAMED.includes(resource) ? NAMES : ['']).flatMap((name) =>
        places.map((place) => ({ ...place, group, resource, name })),
      ),
    );
    const wrong: string[] = [];
    let allowed = 0;
    await inTurns(rights, async (right) => {
      const is = await isAllowed(right);
      if (is) allowed++;
      if (is !== isExpected(right))
        wrong.push(`${is ? 'may' : 'may not'} ${JSON.stringify(right)}`);
    });
    t.comment(`${resources.length} resources, ${rights.length} questions, ${allowed} allowed`);
    t.same(wrong.sort(), []);
    t.ok(resources.length > 100 && allowed > 50, 'there was something to ask');
  },
);

await t.test('no URL beside the resources but what everybody may see', async (t) => {
  const ask = async (path: string, verb: string): Promise<boolean> => {
    const body = { spec: { nonResourceAttributes: { path, verb } } };
    const review = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    return (await webhook.create<{ status: { allowed: boolean } }>(review, body)).status.allowed;
  };
  for (const path of ['/version', '/readyz']) t.equal(await ask(path, 'get'), true, path);
  for (const path of ['/metrics', '/logs', '/debug/pprof', '/flagz', '/x']) {
    t.equal(await ask(path, 'get'), false, path);
  }
  t.equal(await ask('/version', 'post'), false);
});

type Try = readonly ['GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', string, object?, RegExp?];
const MERGE = 'application/merge-patch+json';
const clusterRole = `/apis/${RBAC}/v1/clusterroles/${ACCOUNT}`;
/** RBAC would let the request through, and its guard against escalation lists who asks. */
const GRANTS = /is forbidden: user .+groups=/;
const webhooksOf = `/apis/${ADMISSION}/v1/mutatingwebhookconfigurations`;

const FORBIDDEN: Readonly<Record<string, Try>> = {
  "read a person's Secret": ['GET', '/api/v1/namespaces/shop/secrets/password'],
  'list Secrets': ['GET', '/api/v1/namespaces/shop/secrets'],
  'read another Secret beside its own': ['GET', `/api/v1/namespaces/${SYSTEM}/secrets/neighbour`],
  'list the Secrets beside its own': ['GET', `/api/v1/namespaces/${SYSTEM}/secrets`],
  'give itself more': ['PATCH', clusterRole, { rules: ANYTHING }],
  'make a Role with more than it holds': [
    'POST',
    `${rbacOf('shop')}/roles`,
    { metadata: { name: 'mine' }, rules: READ_SECRETS },
    GRANTS,
  ],
  "put more into the agent's Role": [
    'PUT',
    `${rbacOf('shop')}/roles/${AGENT_ROLE}`,
    { ...ROLE, rules: [...AGENT_RULES, ...READ_SECRETS] },
    GRANTS,
  ],
  'bind cluster-admin': [
    'POST',
    `${rbacOf('shop')}/rolebindings`,
    {
      metadata: { name: 'mine' },
      roleRef: refTo('ClusterRole', 'cluster-admin'),
      subjects: [subject],
    },
    GRANTS,
  ],
  'bind a Role that has more': [
    'POST',
    `${rbacOf('shop')}/rolebindings`,
    { metadata: { name: 'mine' }, roleRef: refTo('Role', 'strong'), subjects: [subject] },
    GRANTS,
  ],
  'lead the binding to another Role': [
    'PUT',
    `${rbacOf('shop')}/rolebindings/${AGENT_ROLE}`,
    { metadata: { name: AGENT_ROLE }, roleRef: refTo('Role', 'strong'), subjects: [subject] },
    GRANTS,
  ],
  'bind for the whole cluster': [
    'POST',
    `/apis/${RBAC}/v1/clusterrolebindings`,
    {
      metadata: { name: 'mine' },
      roleRef: refTo('ClusterRole', 'cluster-admin'),
      subjects: [subject],
    },
  ],
  'change a Role of somebody else': [
    'PUT',
    `${rbacOf('shop')}/roles/strong`,
    { metadata: { name: 'strong' }, rules: AGENT_RULES },
  ],
  'get a token of another account': [
    'POST',
    '/api/v1/namespaces/shop/serviceaccounts/default/token',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  ],
  'make a pod': [
    'POST',
    '/api/v1/namespaces/shop/pods',
    { metadata: { name: 'mine' }, spec: { containers: [{ name: 'x', image: 'x' }] } },
  ],
  'delete a pod': ['DELETE', '/api/v1/namespaces/shop/pods/redis-0'],
  'evict a pod': [
    'POST',
    '/api/v1/namespaces/shop/pods/redis-0/eviction',
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'redis-0' } },
  ],
  'run a command in a pod': ['POST', '/api/v1/namespaces/shop/pods/redis-0/exec?command=sh'],
  'label a namespace': ['PATCH', '/api/v1/namespaces/shop', { metadata: { labels: { a: 'b' } } }],
  'make a webhook of its own': ['POST', webhooksOf, { metadata: { name: 'mine' } }],
  'delete its own configuration': ['DELETE', `${webhooksOf}/redis-orchestrator`],
  'list the configurations of others': ['GET', webhooksOf],
};

for (const [what, [method, path, body, message = /forbidden|cannot/]] of Object.entries(
  FORBIDDEN,
)) {
  await t.test(`refused: ${what}`, async (t) => {
    const type = method === 'PATCH' ? MERGE : undefined;
    const error = await t.rejects(webhook.text(method, path, body, type), KubeError);
    const { status, message: text } = error as unknown as KubeError;
    t.ok(status === 403 || status === 422, String(status));
    t.match(text, message);
  });
}

await t.test('and what it is for is let through', async (t) => {
  const secret = `/api/v1/namespaces/${SYSTEM}/secrets`;
  await webhook.create(secret, { metadata: { name: CA_SECRET } });
  await webhook.get(`${secret}/${CA_SECRET}`);
  await webhook.delete(`${rbacOf('shop')}/rolebindings/${AGENT_ROLE}`);
  await webhook.delete(`${rbacOf('shop')}/roles/${AGENT_ROLE}`);
  t.pass('no error');
});
