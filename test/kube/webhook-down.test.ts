// The webhook is down while pods are created (scenario 56): whoever asked for injection gets it late and
// never silently not at all, and nobody else is held up.

import { t as file, test } from 'tap';
import { messageOf } from '../../src/errors.ts';
import { INJECT_LABEL } from '../../src/names.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { openWebhookStage, startWebhook, webhookReady } from './webhook-setup.ts';

const { controlPlane, httpsPort } = await openWebhookStage(file);
const { admin } = controlPlane;

const podsOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

async function prepared(namespace: string, labels: Record<string, string>): Promise<void> {
  await admin.create('/api/v1/namespaces', { metadata: { name: namespace, labels } });
  const accounts = [
    'default',
    ...(labels[INJECT_LABEL] === 'enabled' ? ['redis-orchestrator'] : []),
  ];
  for (const account of accounts) {
    await waitFor(
      `account ${account} in ${namespace}`,
      async () => await admin.get(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}`),
      { timeoutMs: 10_000 },
    );
  }
}

function template(labels: Record<string, string> = {}) {
  return {
    metadata: { labels: { app: 'redis', ...labels } },
    spec: { containers: [{ name: 'redis', image: 'redis:7' }] },
  };
}

/** What the API server answers, as one word. */
async function create(namespace: string, labels: Record<string, string> = {}): Promise<string> {
  const { metadata, spec } = template(labels);
  const pod = { metadata: { ...metadata, generateName: 'single-' }, spec };
  const asked = admin.create<Pod>(podsOf(namespace), pod);
  return await asked.then(
    ({ spec: { initContainers = [] } = {} }) => (initContainers.length > 0 ? 'injected' : 'plain'),
    (error: unknown) => messageOf(error),
  );
}

void test('while the webhook is down no pod starts uninjected that should be, and others start', async (t) => {
  const webhook = await startWebhook(controlPlane, httpsPort);
  await webhookReady(webhook);
  await prepared('shop', { [INJECT_LABEL]: 'enabled' });
  await prepared('other', {});
  await waitFor('a pod is injected', async () => (await create('shop')) === 'injected', {
    timeoutMs: 10_000,
  });
  await webhook.process.kill();

  t.match(await create('shop'), /failed calling webhook .*by-namespace/, 'labelled namespace');
  t.match(await create('other', { [INJECT_LABEL]: 'enabled' }), /failed calling webhook .*by-pod/);
  t.equal(await create('other'), 'plain', 'a namespace without the label is not concerned');
  t.equal(
    await create('shop', { [INJECT_LABEL]: 'disabled' }),
    'plain',
    'nor a pod that opted out',
  );

  // The controller of StatefulSets is switched off in these tests; this one asks again in the same way.
  await admin.create('/apis/apps/v1/namespaces/shop/replicasets', {
    metadata: { name: 'redis' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'redis', of: 'set' } },
      template: template({ of: 'set' }),
    },
  });
  await waitFor(
    'an Event says why there is no pod',
    async () => {
      const events = await admin.get<{ items: { reason: string; message: string }[] }>(
        '/api/v1/namespaces/shop/events',
      );
      return events.items.some(
        ({ reason, message }) =>
          reason === 'FailedCreate' && message.includes('failed calling webhook'),
      );
    },
    { timeoutMs: 20_000 },
  );
  const ofSet = async (): Promise<readonly Pod[]> => {
    const query = `${podsOf('shop')}?labelSelector=of%3Dset`;
    return (await admin.get<{ items: Pod[] }>(query)).items;
  };
  await holdsFor(2000, async () => {
    if ((await ofSet()).length > 0) throw new Error('created without the webhook');
  });

  const again = await startWebhook(controlPlane, httpsPort);
  await webhookReady(again);
  const pod = await waitFor('the controller gets its pod', async () => (await ofSet())[0], {
    timeoutMs: 60_000,
    everyMs: 200,
  });
  t.equal(pod.spec?.initContainers?.[0]?.name, 'redis-orchestrator', 'injected, by itself');
});
