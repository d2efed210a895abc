// The webhook may be restarted at any time: every pod that is created meanwhile is injected, and
// no creation fails. Created as dry runs, so that there are hundreds: admission is the same.

import t from 'tap';
import { messageOf } from '../../src/errors.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openCluster, SYSTEM_NAMESPACE } from './cluster.ts';
import { createNamespace } from './namespace.ts';
import { hasAgent, podBody } from './pod-body.ts';

t.setTimeout(300_000);
const cluster = openCluster();
const namespace = await createNamespace(t, cluster, 'restart');
const DEPLOYMENT = 'deployment/redis-orchestrator-webhook';

class Creations {
  injected = 0;
  readonly failures: string[] = [];
  longestMs = 0;
  private isStopping = false;
  private readonly loop: Promise<void>;

  constructor() {
    this.loop = this.createAll();
  }

  async once(): Promise<void> {
    const start = performance.now();
    const body = podBody(`redis-${this.injected}`);
    const pod = await cluster.core.createNamespacedPod({ namespace, body, dryRun: 'All' });
    this.longestMs = Math.max(this.longestMs, performance.now() - start);
    if (!hasAgent(pod)) throw new Error('created without an agent');
    this.injected++;
  }

  private async createAll(): Promise<void> {
    while (!this.isStopping) {
      await this.once().catch((error: unknown) => this.failures.push(messageOf(error)));
    }
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await this.loop;
  }
}

await waitFor(
  'the namespace is ready for injection',
  async () => {
    const body = podBody('first');
    const pod = await cluster.core.createNamespacedPod({ namespace, body, dryRun: 'All' });
    return hasAgent(pod);
  },
  { timeoutMs: 60_000, everyMs: 100 },
);

async function webhookPods(): Promise<string[]> {
  const { items } = await cluster.core.listNamespacedPod({
    namespace: SYSTEM_NAMESPACE,
    labelSelector: 'app.kubernetes.io/component=webhook',
  });
  return items.map(({ metadata }) => metadata?.name ?? '');
}

await t.test('a rollout restart, while pods are created', async (t) => {
  const before = await webhookPods();
  const creations = new Creations();
  await cluster.kubectl(['-n', SYSTEM_NAMESPACE, 'rollout', 'restart', DEPLOYMENT]);
  const status = ['rollout', 'status', DEPLOYMENT, '--timeout=120s'];
  await cluster.kubectl(['-n', SYSTEM_NAMESPACE, ...status]);
  await waitFor(
    'the pods from before are gone',
    async () => {
      const now = new Set(await webhookPods());
      return !before.some((name) => now.has(name));
    },
    { timeoutMs: 90_000, everyMs: 250 },
  );
  await creations.stop();
  const { injected, failures, longestMs } = creations;
  t.comment(`${injected} pods injected, ${failures.length} failures`);
  t.comment(`the slowest creation took ${longestMs.toFixed(0)} ms`);
  t.same(failures.slice(0, 3), [], 'no creation fails or is left out');
  t.ok(injected > 50, 'many pods were created');
});

await t.test('one webhook pod is killed without grace', async (t) => {
  const [first = ''] = await webhookPods();
  const creations = new Creations();
  await cluster.kubectl([
    '-n',
    SYSTEM_NAMESPACE,
    'delete',
    'pod',
    first,
    '--grace-period=0',
    '--force',
  ]);
  const status = ['rollout', 'status', DEPLOYMENT, '--timeout=120s'];
  await cluster.kubectl(['-n', SYSTEM_NAMESPACE, ...status]);
  await creations.stop();
  const { injected, failures } = creations;
  t.comment(
    `${injected} pods injected, ${failures.length} failures: ${failures.slice(0, 3).join('; ')}`,
  );
  // A refusal is honest, and a controller tries again; a pod without an agent would stay so.
  t.notMatch(failures.join('\n'), /without an agent/, 'no pod is silently left out');
  await creations.once();
});
