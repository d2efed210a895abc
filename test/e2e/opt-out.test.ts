// Who says no is left alone: by the pod's label, or by a namespace that is not labelled; and a
// client of Redis is no Redis.

import t, { type Test } from 'tap';
import type { V1Pod } from '@kubernetes/client-node';
import { INJECT_LABEL, ROLE_LABEL, STATUS_ANNOTATION } from '../../src/names.ts';
import { messageOf } from '../../src/errors.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openCluster } from './cluster.ts';
import { createNamespace } from './namespace.ts';
import { hasAgent, podBody } from './pod-body.ts';

t.setTimeout(300_000);
const cluster = openCluster();

async function runningPod(t: Test, namespace: string, body: V1Pod): Promise<V1Pod> {
  await cluster.core.createNamespacedPod({ namespace, body });
  const name = body.metadata?.name ?? '';
  const pod = await waitFor(
    `${name} runs`,
    async () => {
      const found = await cluster.core.readNamespacedPod({ namespace, name });
      return found.status?.phase === 'Running' ? found : undefined;
    },
    { timeoutMs: 90_000, everyMs: 200 },
  );
  t.notOk(hasAgent(pod), 'it has no agent');
  t.notOk(pod.metadata?.annotations?.[STATUS_ANNOTATION], 'and no annotation of ours');
  return pod;
}

async function writes(t: Test, pod: V1Pod): Promise<void> {
  const set = async (): Promise<boolean> =>
    (await redisCommand(pod.status?.podIP ?? '', {}, 'SET', 'alone', 'yes')) === 'OK';
  t.ok(await waitFor('it takes writes', set, { timeoutMs: 30_000, everyMs: 100 }));
  t.notOk(pod.metadata?.labels?.[ROLE_LABEL], 'nobody labels it');
}

await t.test('a pod with the label `disabled` in a labelled namespace', async (t) => {
  const namespace = await createNamespace(t, cluster, 'opt-out');
  const body = podBody('standalone', { labels: { [INJECT_LABEL]: 'disabled' } });
  await writes(t, await runningPod(t, namespace, body));
});

await t.test('a namespace without the label', async (t) => {
  const namespace = await createNamespace(t, cluster, 'unlabelled', { isInjected: false });
  await writes(t, await runningPod(t, namespace, podBody('standalone')));
});

await t.test('a client in a labelled namespace, though its image is Redis', async (t) => {
  const namespace = await createNamespace(t, cluster, 'client');
  const body = podBody('client', { app: 'client', command: ['sleep', '3600'] });
  await runningPod(t, namespace, body);
});

await t.test('a pod that asks for it in a namespace without the label', async (t) => {
  const namespace = await createNamespace(t, cluster, 'asks', { isInjected: false });
  const body = podBody('asks', { labels: { [INJECT_LABEL]: 'enabled' } });
  const create = async (): Promise<string> =>
    await cluster.core
      .createNamespacedPod({ namespace, body })
      .then((pod) => (hasAgent(pod) ? 'injected' : 'silently not injected'), messageOf);
  const answers: string[] = [];
  // Its namespace is made ready at the first such pod (a dry run prepares nothing): until then a
  // controller would try again.
  await waitFor(
    'the pod is injected',
    async () => {
      answers.push(await create());
      return answers.at(-1)?.includes('injected');
    },
    { timeoutMs: 60_000, everyMs: 250, picture: () => answers.at(-1) ?? '' },
  );
  for (const answer of new Set(answers)) {
    t.match(answer, /^injected$|is being prepared for injection/, 'injected, or told why not yet');
  }
});
