// Our webhook: the built bundle with the flags of its image and the rights of its manifests.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { webhookProgram } from '../../harness/agent-program.ts';
import { REPOSITORY } from '../../harness/programs.ts';
import { freePorts } from '../../harness/free-ports.ts';
import { applyBase, startWebhook, webhookReady } from '../../kube/webhook-setup.ts';
import { NAMESPACE } from '../webhook-reviews.ts';
import type { OpenInjector } from './injector.ts';

export const openOurs: OpenInjector = async ({ controlPlane, tls }) => {
  if (!webhookProgram().some((word) => word.endsWith('.mjs'))) {
    throw new Error('dist/webhook.mjs is older than its sources. Remedy: npm run build');
  }
  const [port = 0] = await freePorts(1);
  applyBase(controlPlane, port);
  const labels = { 'redis-orchestrator.io/inject': 'enabled' };
  await controlPlane.admin.create('/api/v1/namespaces', { metadata: { name: NAMESPACE, labels } });
  const files = [`--tls-cert-file=${tls.cert}`, `--tls-key-file=${tls.key}`];
  const webhook = await startWebhook(controlPlane, port, files);
  await webhookReady(webhook);
  const text = readFileSync(join(REPOSITORY, 'package.json'), 'utf8');
  return {
    version: (JSON.parse(text) as { readonly version: string }).version,
    url: `https://127.0.0.1:${port}/mutate`,
    process: webhook.process,
  };
};
