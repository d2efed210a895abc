// The runbook of the webhook, each command in its order. One of them takes its certificate away, so it runs where no
// other test creates pods; and afterwards pods are injected as before.

import t from 'tap';
import { commandsOf, runbookPage } from '../../harness/runbook-pages.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { openCluster, SYSTEM_NAMESPACE } from '../cluster.ts';
import { installProduct } from '../lifecycle.ts';
import { createNamespace } from '../namespace.ts';
import { hasAgent, podBody } from '../pod-body.ts';
import { shellOf } from '../runbook-shell.ts';
import { removeProduct } from './installers.ts';

t.setTimeout(300_000);
const cluster = openCluster();

await t.test('WebhookUnhealthy', async (t) => {
  await removeProduct(cluster);
  await installProduct(process.env['RO_E2E_CLUSTER'] ?? '');
  const namespace = await createNamespace(t, cluster, 'webhook-runbook');
  const isInjected = async (): Promise<boolean> => {
    const body = podBody('redis-0');
    return hasAgent(await cluster.core.createNamespacedPod({ namespace, body, dryRun: 'All' }));
  };
  const limits = { timeoutMs: 60_000, everyMs: 100 };
  await waitFor('pods are injected', isInjected, limits);
  const { items } = await cluster.core.listNamespacedPod({ namespace: SYSTEM_NAMESPACE });
  const POD = items[0]?.metadata?.name ?? '';
  const shell = shellOf(t, cluster, { NS: namespace, POD });
  const secret = async (): Promise<string> => {
    const args = ['-n', SYSTEM_NAMESPACE, 'get', 'secret', 'redis-orchestrator-webhook-ca'];
    return await cluster.kubectl([...args, '-o', 'jsonpath={.metadata.uid}']);
  };
  const before = await secret();
  for (const command of commandsOf(runbookPage('WebhookUnhealthy'))) {
    await shell(command);
    if (!command.text.includes('delete secret')) continue;
    const isNew = async (): Promise<boolean> => (await secret()) !== before;
    await waitFor('the authority is made anew', isNew, limits);
    const start = performance.now();
    // Of several in a row, since there are two webhooks.
    for (let times = 0; times < 5; times++) await waitFor('pods are injected', isInjected, limits);
    t.comment(
      `pods are injected ${(performance.now() - start).toFixed(0)} ms after the new secret`,
    );
  }
  await waitFor('pods are injected', isInjected, limits);
});
