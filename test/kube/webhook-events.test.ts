// What the webhook says reaches the person: as an Event on the object that the person wrote, with the real
// controllers between that object and its pods. `kubectl describe` is the judge, as it is in docs/reasons.md.

import { t as file, test } from 'tap';
import { waitFor } from '../harness/wait-for.ts';
import { kubectl, openWebhookStage, startWebhook, webhookReady } from './webhook-setup.ts';

type Event = {
  readonly reason: string;
  readonly note: string;
  readonly action: string;
  readonly type: string;
  readonly regarding: { readonly kind: string; readonly name: string };
};

const { controlPlane, httpsPort } = await openWebhookStage(file);
const { admin } = controlPlane;
const webhook = await startWebhook(controlPlane, httpsPort);
await webhookReady(webhook);
const SOON = { timeoutMs: 20_000, picture: () => webhook.process.tail() };

await admin.create('/api/v1/namespaces', {
  metadata: { name: 'shop', labels: { 'redis-orchestrator.io/inject': 'enabled' } },
});
await waitFor(
  'the namespace is prepared',
  async () => {
    await admin.get('/api/v1/namespaces/shop/serviceaccounts/default');
    await admin.get('/api/v1/namespaces/shop/serviceaccounts/redis-orchestrator');
    return true;
  },
  SOON,
);
// The DaemonSet controller makes pods for nodes; that nobody runs them does not matter.
await admin.create('/api/v1/nodes', { metadata: { name: 'node-a' } });

type Shape = { readonly container?: object; readonly metadata?: object; readonly spec?: object };

function template({ container = {}, metadata = {}, spec = {} }: Shape): object {
  return {
    metadata: { labels: { app: 'redis' }, ...metadata },
    spec: { containers: [{ name: 'redis', image: 'redis:7', ...container }], ...spec },
  };
}

function apply(kind: string, apiVersion: string, name: string, spec: object): void {
  const text = JSON.stringify({ apiVersion, kind, metadata: { name }, spec });
  kubectl(controlPlane, ['apply', '-n', 'shop', '-f', '-'], text);
}

const selector = { matchLabels: { app: 'redis' } };

async function eventOn(kind: string, name: string, reason: string): Promise<Event> {
  return await waitFor(
    `Event ${reason} on ${kind} ${name}`,
    async () => {
      const { items } = await admin.get<{ items: Event[] }>(
        '/apis/events.k8s.io/v1/namespaces/shop/events',
      );
      return items.find(
        ({ regarding, ...event }) =>
          regarding.kind === kind && regarding.name === name && event.reason === reason,
      );
    },
    SOON,
  );
}

function described(kind: string, name: string): string {
  return kubectl(controlPlane, ['describe', '-n', 'shop', kind, name]);
}

void test('a Deployment: a weakness and a refusal are told on it, not on its ReplicaSet', async (t) => {
  const weak = template({ container: { args: ['--requirepass', 'hunter2'] } });
  apply('Deployment', 'apps/v1', 'weak', { replicas: 2, selector, template: weak });
  const event = await eventOn('Deployment', 'weak', 'LiteralPassword');
  t.match(event, { type: 'Warning', action: 'Inject', note: /put it into a Secret/ });
  t.notMatch(event.note, 'hunter2');
  t.match(described('deployment', 'weak'), /Warning +LiteralPassword .*redis-orchestrator/);

  const annotations = { 'redis-orchestrator.io/port': 'http' };
  const wrong = template({ metadata: { labels: { app: 'redis' }, annotations } });
  apply('Deployment', 'apps/v1', 'wrong', { replicas: 1, selector, template: wrong });
  t.match(await eventOn('Deployment', 'wrong', 'AnnotationInvalid'), { action: 'Refuse' });
  t.match(described('deployment', 'wrong'), /AnnotationInvalid .*http is invalid/);
  const events = await admin.get<{ items: Event[] }>(
    '/apis/events.k8s.io/v1/namespaces/shop/events',
  );
  const ours = events.items.filter(({ action }) => /^(Inject|Skip|Refuse)$/.test(action));
  t.notOk(ours.some(({ regarding }) => regarding.kind === 'ReplicaSet'));
});

void test('a DaemonSet whose Redis is left alone', async (t) => {
  // A node that no kubelet cares for is tainted.
  const spec = { tolerations: [{ operator: 'Exists' }] };
  const cluster = template({ container: { args: ['--cluster-enabled', 'yes'] }, spec });
  apply('DaemonSet', 'apps/v1', 'cluster', { selector, template: cluster });
  t.match(await eventOn('DaemonSet', 'cluster', 'OwnedCluster'), { action: 'Skip' });
  t.match(described('daemonset', 'cluster'), /OwnedCluster/);
});

void test('a Job, and the Job of a CronJob', async (t) => {
  const job = { template: template({ spec: { restartPolicy: 'Never' } }) };
  apply('Job', 'batch/v1', 'import', job);
  t.match(await eventOn('Job', 'import', 'JobPod'), { action: 'Skip' });
  t.match(described('job', 'import'), /JobPod/);
  apply('CronJob', 'batch/v1', 'nightly', { schedule: '0 3 1 1 *', jobTemplate: { spec: job } });
  kubectl(controlPlane, ['create', 'job', '-n', 'shop', 'by-hand', '--from=cronjob/nightly']);
  await eventOn('CronJob', 'nightly', 'JobPod');
  t.match(described('cronjob', 'nightly'), /JobPod/);
});

void test('a StatefulSet: each kind of answer', async (t) => {
  // No StatefulSet controller runs here (the harness plays its part): its pods are made as it makes them.
  const plain = template({});
  apply('StatefulSet', 'apps/v1', 'db', {
    replicas: 0,
    serviceName: 'db',
    selector,
    template: plain,
  });
  const path = '/apis/apps/v1/namespaces/shop/statefulsets/db';
  const { metadata } = await admin.get<{ metadata: { uid: string } }>(path);
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: metadata.uid };
  const create = async (shape: Shape, name: string): Promise<void> => {
    const pod = template({
      ...shape,
      metadata: {
        name,
        labels: { app: 'redis' },
        ...shape.metadata,
        ownerReferences: [{ ...owner, controller: true }],
      },
    });
    await admin.create('/api/v1/namespaces/shop/pods', { apiVersion: 'v1', kind: 'Pod', ...pod });
  };
  await create({ container: { command: ['sh', '-c', 'if true; then redis-server; fi'] } }, 'db-0');
  t.match(await eventOn('StatefulSet', 'db', 'BootFenceAbsent'), { action: 'Inject' });
  await create({ container: { args: ['--replicaof', 'elsewhere', '6379'] } }, 'db-1');
  t.match(await eventOn('StatefulSet', 'db', 'OwnedReplication'), { action: 'Skip' });
  const volumes = [{ name: 'redis-orchestrator-token', emptyDir: {} }];
  await t.rejects(create({ spec: { volumes } }, 'db-2'), /exists with other content/);
  t.match(await eventOn('StatefulSet', 'db', 'NameTaken'), { action: 'Refuse' });
  const text = described('statefulset', 'db');
  for (const reason of ['BootFenceAbsent', 'OwnedReplication', 'NameTaken']) t.match(text, reason);
});

void test('a pod that comes before its namespace is prepared: refused, told, and then created', async (t) => {
  await admin.create('/api/v1/namespaces', { metadata: { name: 'late' } });
  const labels = { app: 'redis', 'redis-orchestrator.io/inject': 'enabled' };
  const text = JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'early' },
    spec: { replicas: 1, selector, template: template({ metadata: { labels } }) },
  });
  kubectl(controlPlane, ['apply', '-n', 'late', '-f', '-'], text);
  const list = async (path: string): Promise<Event[]> =>
    (await admin.get<{ items: Event[] }>(`${path}/events`)).items;
  await waitFor(
    'the refusal is told on the Deployment',
    async () =>
      (await list('/apis/events.k8s.io/v1/namespaces/late')).some(
        ({ reason, regarding }) =>
          reason === 'NamespaceNotReady' && regarding.kind === 'Deployment',
      ),
    SOON,
  );
  await waitFor(
    'the pod is there',
    async () => {
      const { items } = await admin.get<{ items: unknown[] }>('/api/v1/namespaces/late/pods');
      return items.length === 1;
    },
    SOON,
  );
  t.pass('its controller tried again');
});
