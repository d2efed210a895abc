// The base as it is in the repository, on a real API server: what a GitOps tool does with it again and again, and
// what Pod Security says of it.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { t as file, test } from 'tap';
import type { V1Pod } from '@kubernetes/client-node';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { countWrites } from './count-writes.ts';
import {
  baseAt,
  CONFIGURATION,
  kubectl,
  openWebhookStage,
  startWebhook,
  SYSTEM,
  webhookReady,
} from './webhook-setup.ts';

const { controlPlane, httpsPort } = await openWebhookStage(file);
const { admin } = controlPlane;
/** Its container has a read-only root: so has this one, where the machine lets us. */
const isReadOnly = process.platform === 'linux' && process.getuid?.() === 0;
const enter = ['unshare', '--mount', 'sh', '-c', 'mount -o remount,ro,bind / && exec "$@"', 'sh'];
const webhook = await startWebhook(controlPlane, httpsPort, [], isReadOnly ? { enter } : {});
await webhookReady(webhook);
const TIMES = 2;
const base = baseAt(httpsPort);

type Configuration = {
  metadata: { managedFields: { manager: string; fieldsV1: object }[] };
  webhooks: { name: string; clientConfig: { caBundle?: string } }[];
};

async function bundles(): Promise<readonly (string | undefined)[]> {
  const { webhooks } = await admin.get<Configuration>(CONFIGURATION);
  return webhooks.map(({ clientConfig }) => clientConfig.caBundle);
}

/** Writes of the configuration while `work` is done and for a while after it. */
async function writesDuring(work: () => Promise<void>): Promise<number> {
  const at = CONFIGURATION.lastIndexOf('/');
  const [path, name] = [CONFIGURATION.slice(0, at), CONFIGURATION.slice(at + 1)];
  return await countWrites(admin, path, name, async () => {
    await work();
    await delay(1000);
  });
}

const APPLY: Readonly<Record<string, readonly string[]>> = {
  'server-side apply with a field manager of its own': [
    'apply',
    '--server-side',
    '--field-manager=argocd-controller',
  ],
  'server-side apply that takes every field by force': [
    'apply',
    '--server-side',
    '--force-conflicts',
    '--field-manager=kustomize-controller',
  ],
  'client-side apply': ['apply'],
};

for (const [what, args] of Object.entries(APPLY)) {
  void test(`${what}: no conflict, the caBundle stays, nobody writes against it`, async (t) => {
    const before = await bundles();
    t.ok(before.every((bundle) => (bundle ?? '') !== ''));
    // The first time it becomes an owner of fields: that is a write.
    kubectl(controlPlane, [...args, '-f', '-'], base);
    const writes = await writesDuring(async () => {
      for (let time = 0; time < TIMES; time++) {
        kubectl(controlPlane, [...args, '-f', '-'], base);
        t.same(await bundles(), before);
      }
    });
    t.equal(writes, 0, 'nothing to change for anybody');
    const { metadata } = await admin.get<Configuration>(CONFIGURATION);
    const owners = metadata.managedFields.filter(({ fieldsV1 }) =>
      JSON.stringify(fieldsV1).includes('f:caBundle'),
    );
    t.same(
      owners.map(({ manager }) => manager),
      ['redis-orchestrator-ca'],
    );
  });
}

void test('replace: the caBundle is wiped, and back at once; one write for each', async (t) => {
  const before = await bundles();
  const [configuration] = (JSON.parse(base) as { items: { kind: string }[] }).items.filter(
    ({ kind }) => kind === 'MutatingWebhookConfiguration',
  );
  const tookMs: number[] = [];
  const writes = await writesDuring(async () => {
    for (let time = 0; time < TIMES; time++) {
      kubectl(controlPlane, ['replace', '-f', '-'], JSON.stringify(configuration));
      const since = performance.now();
      await waitFor(
        'it is back',
        async () => JSON.stringify(await bundles()) === JSON.stringify(before),
        { timeoutMs: 5000, picture: () => webhook.process.tail() },
      );
      tookMs.push(performance.now() - since);
    }
  });
  t.comment(`back after ${tookMs.map((each) => each.toFixed(0)).join(', ')} ms`);
  t.equal(writes, 2 * TIMES);
});

// The field manager that keeps the caBundle keeps the entry, too: an API server has no other way. So the two entries
// keep their names in every version; whoever takes one out does it as docs/injection.md says.
void test('an entry that is taken out: by client-side apply at once, by the other once it is deleted', async (t) => {
  const list = JSON.parse(base) as { items: { kind: string; webhooks?: unknown[] }[] };
  const items = list.items.filter(({ kind }) => kind === 'MutatingWebhookConfiguration');
  for (const item of items) item.webhooks = item.webhooks?.slice(0, 1) ?? [];
  const less = JSON.stringify({ ...list, items });
  const serverSide = ['apply', '--server-side', '--field-manager=argocd-controller'];
  const fresh = async (args: readonly string[], text: string): Promise<void> => {
    await admin.delete(CONFIGURATION);
    kubectl(controlPlane, [...args, '-f', '-'], text);
    await waitFor(
      'the caBundle is there',
      async () => (await bundles()).every((bundle) => (bundle ?? '') !== ''),
      { timeoutMs: 5000 },
    );
  };
  await fresh(['apply'], base);
  kubectl(controlPlane, ['apply', '-f', '-'], less);
  t.equal((await bundles()).length, 1);

  await fresh(serverSide, base);
  const apply = (): string => kubectl(controlPlane, [...serverSide, '-f', '-'], less);
  t.throws(apply, /webhooks\[1\]/, 'refused, and says which');
  await fresh(serverSide, less);
  t.equal((await bundles()).length, 1);
  await fresh(serverSide, base);
});

void test('the pods of the Deployment pass restricted Pod Security, without a warning', async (t) => {
  await admin.delete(CONFIGURATION);
  const text = kubectl(controlPlane, ['kustomize', join(REPOSITORY, 'manifests', 'base')]);
  const said = kubectl(controlPlane, ['apply', '--dry-run=server', '-f', '-'], text);
  t.notMatch(said, /would violate/i);
  const { metadata } = await admin.get<{ metadata: { labels: Record<string, string> } }>(
    `/api/v1/namespaces/${SYSTEM}`,
  );
  t.equal(metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
  const deployment = join(REPOSITORY, 'manifests', 'base', 'deployment.yaml');
  kubectl(controlPlane, ['apply', '-n', SYSTEM, '-f', deployment]);
  const podsOf = async (): Promise<readonly V1Pod[]> =>
    (await admin.get<{ items: V1Pod[] }>(`/api/v1/namespaces/${SYSTEM}/pods`)).items;
  const pods = await waitFor(
    'two pods',
    async () => ((await podsOf()).length === 2 ? await podsOf() : undefined),
    { timeoutMs: 15_000 },
  );
  for (const { spec } of pods) {
    for (const { name, securityContext } of spec?.containers ?? []) {
      t.equal(securityContext?.readOnlyRootFilesystem, true, name);
    }
    // Nothing of it is written to: there is no volume but the token.
    const volumes = (spec?.volumes ?? []).filter((volume) => volume.projected === undefined);
    t.same(volumes, []);
  }
  // The disruption controller counts those that the budget's selector finds: it covers both, one may go.
  const budget = `/apis/policy/v1/namespaces/${SYSTEM}/poddisruptionbudgets/redis-orchestrator-webhook`;
  type Budget = { spec: { minAvailable: number }; status: { expectedPods?: number } };
  const covered = async (): Promise<boolean> =>
    (await admin.get<Budget>(budget)).status.expectedPods === 2;
  await waitFor('the budget covers both', covered, { timeoutMs: 10_000 });
  t.equal((await admin.get<Budget>(budget)).spec.minAvailable, 1);
});

const skip = isReadOnly ? false : 'only root can have a mount of its own';
void test('all this time its root was read-only', { skip }, async (t) => {
  const mounts = readFileSync(`/proc/${webhook.process.pid}/mounts`, 'utf8');
  const roots = mounts.split('\n').map((line) => line.split(' '));
  t.match(roots.find(([, at]) => at === '/')?.[3], /^ro(,|$)/);
  t.ok(webhook.process.isRunning);
});
