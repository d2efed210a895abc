// Against a real API server: what a person creates comes out injected, and is accepted by the
// server's own checks, `restricted` Pod Security included.

import { t as file, test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../harness/free-ports.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { uninject } from '../../webhook/core/uninject.ts';
import {
  applyBase,
  CONFIGURATION,
  kubectl,
  openWebhookStage,
  SYSTEM,
  startWebhook,
  webhookReady,
} from './webhook-setup.ts';

type Configuration = { webhooks: { name: string; clientConfig: { caBundle?: string } }[] };

const { controlPlane, httpsPort } = await openWebhookStage(file);
const { admin } = controlPlane;
const webhook = await startWebhook(controlPlane, httpsPort);
await webhookReady(webhook);

async function namespace(name: string, labels: Record<string, string>): Promise<number> {
  const since = performance.now();
  await admin.create('/api/v1/namespaces', { metadata: { name, labels } });
  return since;
}

async function accountIn(name: string): Promise<void> {
  await waitFor(
    `account, Role and RoleBinding in ${name}`,
    async () => {
      const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${name}`;
      await admin.get(`/api/v1/namespaces/${name}/serviceaccounts/default`);
      await admin.get(`/api/v1/namespaces/${name}/serviceaccounts/redis-orchestrator`);
      await admin.get(`${rbac}/roles/redis-orchestrator-agent`);
      await admin.get(`${rbac}/rolebindings/redis-orchestrator-agent`);
      return true;
    },
    { timeoutMs: 10_000, picture: () => webhook.process.tail() },
  );
}

/** The pod as the server would store it. */
async function dryRun(name: string, pod: object): Promise<Pod> {
  const path = `/api/v1/namespaces/${name}/pods?dryRun=All`;
  return await waitFor('the pod is admitted', async () => await admin.create<Pod>(path, pod), {
    timeoutMs: 5000,
    picture: () => webhook.process.tail(),
  });
}

const INJECT = { 'redis-orchestrator.io/inject': 'enabled' };
const RESTRICTED = { ...INJECT, 'pod-security.kubernetes.io/enforce': 'restricted' };
const SECURE = {
  runAsNonRoot: true,
  runAsUser: 999,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

function plainPod(container: object = {}, metadata: object = {}, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'redis-0', labels: { app: 'redis' }, ...metadata },
    spec: {
      containers: [{ name: 'redis', image: 'redis:7', securityContext: SECURE, ...container }],
      ...spec,
    },
  };
}

void test('a labelled namespace gets account, Role and RoleBinding at once', async (t) => {
  // Kubernetes' own account of a namespace is made by the controller manager, which may still be starting.
  const isThere = async (): Promise<boolean> =>
    (await admin.find('/api/v1/namespaces/default/serviceaccounts/default')) !== undefined;
  await waitFor('the controller manager works', isThere, { timeoutMs: 30_000 });
  const since = await namespace('fast', INJECT);
  await accountIn('fast');
  const tookMs = performance.now() - since;
  t.comment(`prepared after ${tookMs.toFixed(0)} ms`);
  // A second on a machine of its own; tests share theirs.
  t.ok(tookMs < 3000, `took ${tookMs.toFixed(0)} ms`);
});

void test('a plain pod is injected in a namespace with restricted Pod Security', async (t) => {
  await namespace('restricted', RESTRICTED);
  await accountIn('restricted');
  const stored = await dryRun('restricted', plainPod());
  const agent = stored.spec?.initContainers?.[0];
  t.equal(agent?.name, 'redis-orchestrator');
  t.equal(agent?.restartPolicy, 'Always');
  t.equal(stored.spec?.serviceAccountName, 'redis-orchestrator');
  t.same(stored.spec?.containers?.[0]?.args, [
    'redis-server',
    '--replicaof',
    '127.0.0.1',
    '1',
    '--replica-read-only',
    'yes',
  ]);
  const names = stored.spec?.volumes?.map((volume) => volume.name);
  t.same(names, ['redis-orchestrator-token'], 'the automatic token volume is gone');
  t.notOk(stored.spec?.containers?.[0]?.volumeMounts, 'Redis has no token');
});

const VARIANTS: Record<string, object> = {
  'args only': { args: ['--maxmemory', '100mb'] },
  'command only': { command: ['redis-server'] },
  'command and args': { command: ['redis-server'], args: ['/etc/redis.conf', '--port', '6380'] },
  'a shell': { command: ['sh', '-c', 'exec redis-server --appendonly yes'] },
  bitnami: {
    image: 'bitnami/redis:7.0',
    env: [{ name: 'REDIS_PASSWORD', value: 'x' }],
  },
  'a password from a Secret': {
    args: ['--requirepass', '$(PASS)'],
    env: [{ name: 'PASS', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
  },
};
for (const [name, container] of Object.entries(VARIANTS)) {
  void test(`the server accepts the injection of ${name}`, async (t) => {
    const stored = await dryRun('restricted', plainPod(container));
    t.equal(stored.spec?.initContainers?.[0]?.name, 'redis-orchestrator');
  });
}

void test('a pod that opted out is left alone', async (t) => {
  const labels = { app: 'redis', 'redis-orchestrator.io/inject': 'disabled' };
  const stored = await dryRun('restricted', plainPod({}, { labels }));
  t.notOk(stored.spec?.initContainers);
});

void test('uninject gives back what the server would have stored without us', async (t) => {
  /** The automatic volume has a random name. */
  const named = (pod: Pod): unknown =>
    JSON.parse(JSON.stringify(pod.spec).replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'automatic'));
  for (const [name, container] of Object.entries({ plain: {}, ...VARIANTS })) {
    const labels = { app: 'redis', 'redis-orchestrator.io/inject': 'disabled' };
    const spec = { terminationGracePeriodSeconds: 5 };
    const without = await dryRun('restricted', plainPod(container, { labels }, spec));
    const result = uninject(await dryRun('restricted', plainPod(container, {}, spec)));
    if (result.kind !== 'restored') throw new Error(result.reason.code);
    t.strictSame(named(result.pod), named(without), name);
    t.same(result.pod.metadata?.labels, { app: 'redis' }, name);
    t.notOk(result.pod.metadata?.annotations, name);
    t.same(result.warnings, [], name);
  }
});

void test('a pod that opts in itself makes its namespace be prepared', async (t) => {
  await namespace('unlabelled', {});
  await waitFor(
    'the default account',
    async () => await admin.get('/api/v1/namespaces/unlabelled/serviceaccounts/default'),
    { timeoutMs: 10_000 },
  );
  const labels = { app: 'redis', ...INJECT };
  const path = '/api/v1/namespaces/unlabelled/pods';
  const refused = await t.rejects(async () => await admin.create(path, plainPod({}, { labels })));
  t.match(String(refused), /being prepared/);
  await accountIn('unlabelled');
  const stored = await dryRun('unlabelled', plainPod({}, { labels }));
  t.equal(stored.spec?.initContainers?.[0]?.name, 'redis-orchestrator');
});

void test("a person's own account is kept and bound", async (t) => {
  const path = '/api/v1/namespaces/fast';
  await admin.create(`${path}/serviceaccounts`, { metadata: { name: 'mine' } });
  const pod = plainPod({}, {}, { serviceAccountName: 'mine' });
  const stored = await admin.create<Pod>(`${path}/pods`, pod);
  t.equal(stored.spec?.serviceAccountName, 'mine');
  const binding = '/apis/rbac.authorization.k8s.io/v1/namespaces/fast/rolebindings';
  await waitFor(
    'the account is bound',
    async () => {
      const { subjects } = await admin.get<{ subjects: { name: string }[] }>(
        `${binding}/redis-orchestrator-agent`,
      );
      return subjects.some(({ name }) => name === 'mine');
    },
    { timeoutMs: 5000 },
  );
});

void test('the controller repairs what somebody deletes or changes', async (t) => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/fast';
  await admin.delete(`${rbac}/rolebindings/redis-orchestrator-agent`);
  await admin.delete('/api/v1/namespaces/fast/serviceaccounts/redis-orchestrator');
  await admin.patch(`${rbac}/roles/redis-orchestrator-agent`, { rules: [] });
  await accountIn('fast');
  const role = await waitFor(
    'the rules are back',
    async () => {
      const found = await admin.get<{ rules: unknown[] | null }>(
        `${rbac}/roles/redis-orchestrator-agent`,
      );
      return (found.rules?.length ?? 0) > 0 && found;
    },
    { timeoutMs: 5000, picture: () => webhook.process.tail() },
  );
  t.match(role.rules, AGENT_RULES);
  t.equal(role.rules?.length, AGENT_RULES.length);
});

async function bundles(): Promise<readonly (string | undefined)[]> {
  const { webhooks } = await admin.get<Configuration>(CONFIGURATION);
  return webhooks.map(({ clientConfig }) => clientConfig.caBundle);
}

void test('a caBundle that was wiped comes back', async (t) => {
  const before = await bundles();
  t.ok(before.every((bundle) => bundle !== undefined && bundle !== ''));
  await admin.patch(
    CONFIGURATION,
    [0, 1].map((index) => ({ op: 'remove', path: `/webhooks/${index}/clientConfig/caBundle` })),
    'json',
  );
  await waitFor(
    'caBundle is back',
    async () => JSON.stringify(await bundles()) === JSON.stringify(before),
    { timeoutMs: 5000, picture: () => webhook.process.tail() },
  );
});

void test('applying the manifest again keeps the caBundle', async (t) => {
  const before = await bundles();
  applyBase(controlPlane, httpsPort);
  t.same(await bundles(), before);
});

void test('a second replica shares the authority, and nobody writes any more', async (t) => {
  const secret = `/api/v1/namespaces/${SYSTEM}/secrets/redis-orchestrator-webhook-ca`;
  type Versioned = { metadata: { resourceVersion: string } };
  const versions = async (): Promise<readonly string[]> => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/fast';
    const paths = [
      secret,
      CONFIGURATION,
      `${rbac}/roles/redis-orchestrator-agent`,
      `${rbac}/rolebindings/redis-orchestrator-agent`,
      '/api/v1/namespaces/fast/serviceaccounts/redis-orchestrator',
    ];
    const objects = await Promise.all(paths.map(async (path) => await admin.get<Versioned>(path)));
    return objects.map(({ metadata }) => metadata.resourceVersion);
  };
  const before = await versions();
  const [secondPort = 0] = await freePorts(1);
  const second = await startWebhook(controlPlane, secondPort);
  await webhookReady(second);
  t.same(await versions(), before, 'a second replica changes nothing');
  await admin.patch(CONFIGURATION, { metadata: { labels: { touched: 'yes' } } });
  applyBase(controlPlane, secondPort);
  const stored = await dryRun('restricted', plainPod());
  t.equal(stored.spec?.initContainers?.[0]?.name, 'redis-orchestrator', 'the second one serves');
  applyBase(controlPlane, httpsPort);
  await second.process.stop();
});

void test('two replicas that start at once agree on one authority', async (t) => {
  await admin.delete(`/api/v1/namespaces/${SYSTEM}/secrets/redis-orchestrator-webhook-ca`);
  const [one = 0, two = 0] = await freePorts(2);
  const started = await Promise.all([
    startWebhook(controlPlane, one),
    startWebhook(controlPlane, two),
  ]);
  await Promise.all(started.map(webhookReady));
  for (const port of [one, two, httpsPort]) {
    applyBase(controlPlane, port);
    // The server reads configurations by a watch: give it the time to call the new address.
    await waitFor(
      `the replica at ${port} injects`,
      async () => {
        const stored = await admin.create<Pod>(
          '/api/v1/namespaces/restricted/pods?dryRun=All',
          plainPod(),
        );
        return stored.spec?.initContainers?.length === 1;
      },
      { timeoutMs: 15_000 },
    );
  }
  await Promise.all(started.map(async ({ process }) => await process.stop()));
  t.pass('each of the three is trusted');
});

void test('a webhook that is told to stop drains and ends by itself', async (t) => {
  const [port = 0] = await freePorts(1);
  const other = await startWebhook(controlPlane, port);
  await webhookReady(other);
  const { code } = await other.process.stop(10_000);
  t.equal(code, 0);
});

void test('the examples are injected as they are', async (t) => {
  const directory = join(REPOSITORY, 'manifests', 'examples');
  const expected: Record<string, boolean> = {
    'multi-site.yaml': false,
    'hand-written-sidecar.yaml': false,
  };
  for (const file of readdirSync(directory).sort()) {
    const text = readFileSync(join(directory, file), 'utf8');
    kubectl(controlPlane, ['apply', '--dry-run=server', '-n', 'restricted', '-f', '-'], text);
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as { kind: string; metadata: object; spec: unknown };
      if (object.kind !== 'StatefulSet') continue;
      const { template, volumeClaimTemplates } = object.spec as {
        template: { metadata: object; spec: { volumes?: object[] } };
        volumeClaimTemplates?: { metadata: { name: string } }[];
      };
      const claims = (volumeClaimTemplates ?? []).map(({ metadata }) => ({
        name: metadata.name,
        persistentVolumeClaim: { claimName: `${metadata.name}-x-0` },
      }));
      const stored = await dryRun('restricted', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name: 'x-0' },
        spec: { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] },
      });
      const status = (stored.metadata?.annotations ?? {})['redis-orchestrator.io/status'];
      t.equal(status !== undefined, expected[file] ?? true, file);
    }
  }
});

void test('a Redis that somebody else manages is skipped, and its owner is told', async (t) => {
  const owner = await admin.create<{ metadata: { uid: string } }>(
    '/apis/apps/v1/namespaces/fast/statefulsets',
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'other' },
      spec: {
        serviceName: 'other',
        replicas: 0,
        selector: { matchLabels: { app: 'other' } },
        template: {
          metadata: { labels: { app: 'other' } },
          spec: { containers: [{ name: 'x', image: 'x' }] },
        },
      },
    },
  );
  const ownerReferences = [
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      name: 'other',
      uid: owner.metadata.uid,
      controller: true,
    },
  ];
  const args = ['--replicaof', 'elsewhere', '6379'];
  const pod = plainPod({ args }, { name: 'other-0', ownerReferences });
  const stored = await admin.create<Pod>('/api/v1/namespaces/fast/pods', pod);
  t.notOk(stored.spec?.initContainers);
  const event = await waitFor(
    'an Event on the owner',
    async () => {
      const { items } = await admin.get<{
        items: { reason: string; note: string; regarding: { name: string } }[];
      }>('/apis/events.k8s.io/v1/namespaces/fast/events');
      return items.find(
        ({ regarding, reason }) => regarding.name === 'other' && reason === 'OwnedReplication',
      );
    },
    { timeoutMs: 5000, picture: () => webhook.process.tail() },
  );
  t.match(event.note, /replicaof/);
});

void test('warnings reach the person', async (t) => {
  const pod = plainPod({ args: ['--requirepass', 'plain'] }, { name: 'warned' });
  const text = kubectl(
    controlPlane,
    ['create', '-n', 'restricted', '--dry-run=server', '-o', 'name', '-f', '-'],
    JSON.stringify(pod),
  );
  t.match(text, /Warning: the password is written in the arguments/);
});

void test('what a person asked for and cannot have is refused with the reason', async (t) => {
  const labels = { app: 'redis', ...INJECT };
  const pod = plainPod({ args: ['--cluster-enabled', 'yes'] }, { labels });
  const error = await t.rejects(
    async () => await admin.create('/api/v1/namespaces/restricted/pods?dryRun=All', pod),
  );
  t.match(String(error), /Redis Cluster/);
});

void test('after a restart of the API server the watches go on', async (t) => {
  await controlPlane.killApiServer();
  await controlPlane.startApiServer();
  await waitFor('the server accepts a namespace', async () => await namespace('late', INJECT), {
    timeoutMs: 20_000,
  });
  await waitFor(
    'the namespace is prepared',
    async () => {
      const path = '/api/v1/namespaces/late/serviceaccounts/redis-orchestrator';
      return (await admin.find(path)) !== undefined;
    },
    { timeoutMs: 30_000, picture: () => webhook.process.tail() },
  );
  t.ok(webhook.process.isRunning);
});
