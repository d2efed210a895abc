// Authority and leaf are renewed many times while the API server calls two replicas: no pod is
// refused. A year of renewals in half a minute.

import { t as file, test } from 'tap';
import { startControlPlane } from '../harness/control-plane.ts';
import { freePorts } from '../harness/free-ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { redisPod } from '../unit/webhook-fixtures.ts';
import { applyBase, CONFIGURATION, startWebhook, SYSTEM, webhookReady } from './webhook-setup.ts';

const DURATION_MS = 36_000;
// A third of either life is longer than the 3 s in which a new bundle settles.
const LIFETIMES = ['--ca-lifetime=24s', '--cert-lifetime=24s', '--log-level=warn'];

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace, { controllerManager: true });
const { admin } = controlPlane;

type Answer = { spec: { initContainers?: unknown[] } };
type Configuration = { webhooks: { clientConfig: { url?: string; caBundle?: string } }[] };

void test('no pod is refused while authorities and leaves are renewed', async (t) => {
  const [one = 0, two = 0] = await freePorts(2);
  applyBase(controlPlane, one);
  const labels = { 'redis-orchestrator.io/inject': 'enabled' };
  await admin.create('/api/v1/namespaces', { metadata: { name: 'shop', labels } });
  const replicas = await Promise.all([
    startWebhook(controlPlane, one, LIFETIMES),
    startWebhook(controlPlane, two, LIFETIMES),
  ]);
  await Promise.all(replicas.map(webhookReady));
  // The first entry goes to one replica, the second to the other: both are called all the time.
  const [, byPod] = (await admin.get<Configuration>(CONFIGURATION)).webhooks;
  t.ok(byPod?.clientConfig.caBundle);
  const url = `https://127.0.0.1:${two}/mutate`;
  const operation = { op: 'replace', path: '/webhooks/1/clientConfig/url', value: url };
  await admin.patch(CONFIGURATION, [operation], 'json');

  const create = async (metadata: object): Promise<boolean> => {
    const pod = { apiVersion: 'v1', kind: 'Pod', ...redisPod({}, { metadata }) };
    const path = '/api/v1/namespaces/shop/pods?dryRun=All';
    const { spec } = await admin.create<Answer>(path, pod);
    return spec.initContainers?.length === 1;
  };
  const both = async (): Promise<boolean> => {
    const asked = { name: 'redis-1', labels };
    return (await create({ name: 'redis-0' })) && (await create(asked));
  };
  await waitFor('both replicas inject', both, { timeoutMs: 20_000 });

  const authorities = new Set<string>();
  const failures: string[] = [];
  let requests = 0;
  const end = performance.now() + DURATION_MS;
  while (performance.now() < end) {
    try {
      if (!(await both())) failures.push('not injected');
    } catch (error) {
      failures.push(String(error));
    }
    requests += 2;
    const secret = `/api/v1/namespaces/${SYSTEM}/secrets/redis-orchestrator-webhook-ca`;
    authorities.add(
      (await admin.get<{ data: Record<string, string> }>(secret)).data['ca.crt'] ?? '',
    );
  }
  t.comment(`${requests} pods, ${authorities.size} authorities`);
  t.same(failures, []);
  t.ok(authorities.size >= 3, `${authorities.size} authorities`);
  t.ok(requests > 100);
  for (const { process } of replicas) t.equal(process.tail(), '', 'nothing to warn of');
});
