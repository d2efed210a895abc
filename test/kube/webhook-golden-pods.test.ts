// The API server is the last judge: golden pods and systematically varied ones are created on it (dry-run) through
// the real webhook, in a namespace of each Pod Security level.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t as file, type Test, test } from 'tap';
import { Agent } from 'undici';
import { parse } from 'yaml';
import type { Pod } from '../../webhook/core/pod.ts';
import { goldenPods, type GoldenPod } from '../golden-pods/list.ts';
import { atLevel, completed, type Level, LEVELS } from '../golden-pods/levels.ts';
import { freePorts } from '../harness/free-ports.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { lostParts, withoutRandomNames } from '../golden-pods/kept.ts';
import { sendReview } from './send-review.ts';
import { applyBase, openWebhookStage, startWebhook, webhookReady } from './webhook-setup.ts';

const AT_ONCE = 6;
const INJECT = 'redis-orchestrator.io/inject';
const STATUS = 'redis-orchestrator.io/status';

const { controlPlane, httpsPort } = await openWebhookStage(file);
const { admin } = controlPlane;
const webhook = await startWebhook(controlPlane, httpsPort);
await webhookReady(webhook);
const dispatcher = new Agent({ connections: AT_ONCE, connect: { rejectUnauthorized: false } });
file.teardown(async () => await dispatcher.close());

/** `plain`: what the server stores without us, whatever is in the pod. */
async function makeNamespace(name: string, labels: Record<string, string>): Promise<void> {
  await admin.create('/api/v1/namespaces', { metadata: { name, labels } });
  const accounts = `/api/v1/namespaces/${name}/serviceaccounts`;
  for (const account of ['mine', 'redis']) {
    await admin.create(accounts, { metadata: { name: account } });
  }
  const isLabelled = labels[INJECT] !== undefined;
  await waitFor(
    `the accounts of ${name}`,
    async () => {
      await admin.get(`${accounts}/default`);
      if (isLabelled) await admin.get(`${accounts}/redis-orchestrator`);
      return true;
    },
    { timeoutMs: 20_000, picture: () => webhook.process.tail() },
  );
}

await makeNamespace('plain', { 'pod-security.kubernetes.io/enforce': 'privileged' });
for (const level of LEVELS) {
  const labels = { [INJECT]: 'enabled', 'pod-security.kubernetes.io/enforce': level };
  await makeNamespace(level, labels);
}

type Decision = 'inject' | 'skip' | 'deny';
type Case = GoldenPod & { readonly decision: Decision };

const golden = join(REPOSITORY, 'test', 'golden');
const written = readdirSync(golden)
  .filter((name) => existsSync(join(golden, name, 'pod.yaml')))
  .map((name): Case => {
    const read = (part: string): string => readFileSync(join(golden, name, part), 'utf8');
    const { decision } = JSON.parse(read('report.json')) as { decision: Decision };
    return { name: `test/golden/${name}`, pod: parse(read('pod.yaml')) as Pod, decision };
  });
const varied = goldenPods().map((each): Case => ({ ...each, decision: 'inject' }));
const cases = [...written, ...varied];

type Stored = Pod & {
  readonly metadata: Record<string, unknown>;
  readonly spec: NonNullable<Pod['spec']>;
};

async function created(namespace: string, pod: object): Promise<Stored> {
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`;
  return await admin.create<Stored>(path, { apiVersion: 'v1', kind: 'Pod', ...pod });
}

/** Without what only the server may write: as a manifest that somebody exported. */
function exported({ metadata, spec }: Stored): object {
  const { uid: _uid, creationTimestamp: _time, managedFields: _fields, ...rest } = metadata;
  return { metadata: rest, spec };
}

/** The webhook's own answer to what the server stored. */
async function patchOf(object: object, namespace: string): Promise<unknown> {
  const asked = { uid: 'again', namespace, object };
  const { response } = await sendReview(httpsPort, asked, { dispatcher, dryRun: true });
  return response.allowed ? (response.patch ?? 'none') : 'refused';
}

function agentsIn({ spec }: Pod): number {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return all.filter(({ name }) => name === 'redis-orchestrator').length;
}

/** What is wrong with the answer to one pod in one namespace. */
async function faultsOf({ name, pod, decision }: Case, level: Level): Promise<readonly string[]> {
  const own = atLevel({ name, pod: completed(pod) }, level);
  const without = await created('plain', withoutLabel(own));
  if (decision === 'deny') {
    const isRefused = await created(level, own).then(
      () => false,
      (error: unknown) => /redis-orchestrator: /.test(String(error)),
    );
    return isRefused ? [] : ['was not refused'];
  }
  const stored = await created(level, own);
  const faults = [...lostParts(without, stored)];
  const isInjected = decision === 'inject';
  const wanted = isInjected ? 1 : agentsIn(own);
  if (agentsIn(stored) !== wanted) faults.push(`${agentsIn(stored)} agents`);
  const annotations = (stored.metadata['annotations'] ?? {}) as Record<string, string>;
  if ((annotations[STATUS] !== undefined) !== isInjected) faults.push('the status is wrong');
  const patch = await patchOf(stored, level);
  if (patch !== 'none') faults.push(`a second call: ${String(patch)}`);
  if (level === 'restricted') {
    const again = await created(level, exported(stored));
    const texts = [stored, again].map(({ spec }) => JSON.stringify(withoutRandomNames(spec)));
    if (texts[0] !== texts[1]) faults.push(`created again: ${texts[1]}`);
  }
  return faults;
}

/** A pod's own label would bring it to the webhook in every namespace. */
function withoutLabel(pod: Pod): Pod {
  const { [INJECT]: _label, ...labels } = pod.metadata?.labels ?? {};
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

async function judgeAll(t: Test, chosen: readonly Case[], level: Level): Promise<number> {
  const startMs = performance.now();
  const waiting = [...chosen];
  const counts = { inject: 0, skip: 0, deny: 0 };
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      counts[next.decision]++;
      try {
        for (const fault of await faultsOf(next, level)) t.fail(`${next.name}: ${fault}`);
      } catch (error) {
        t.fail(`${next.name}: ${String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const tookS = ((performance.now() - startMs) / 1000).toFixed(1);
  t.comment(`${JSON.stringify(counts)} in ${tookS} s`);
  return counts.inject;
}

void test('the judge itself: what is lost, changed or in another order is seen', async (t) => {
  const { pod } = varied.find(({ name }) => name.includes('.company')) ?? { pod: {} };
  const stored = await created('plain', atLevel({ name: 'x', pod }, 'baseline'));
  t.same(lostParts(stored, stored), []);
  const spoil: Readonly<
    Record<string, (pod: Stored & { spec: Record<string, object[]> }) => void>
  > = {
    order: ({ spec }) => spec['containers']?.push(...(spec['containers']?.splice(0, 1) ?? [])),
    container: ({ spec }) => spec['containers']?.pop(),
    volume: ({ spec }) => delete spec['volumes'],
    'init container': ({ spec }) => spec['initContainers']?.shift(),
    label: ({ metadata }) => Object.assign(metadata, { labels: {} }),
    annotation: ({ metadata }) => Object.assign(metadata, { annotations: {} }),
    field: ({ spec }) => delete spec['dnsPolicy'],
    inside: ({ spec }) => Object.assign(spec['containers']?.[0] ?? {}, { image: 'other' }),
  };
  for (const [what, change] of Object.entries(spoil)) {
    const spoilt = structuredClone(stored) as Parameters<typeof change>[0];
    change(spoilt);
    const named = structuredClone(stored);
    // With an account of its own the pod keeps its token.
    for (const each of [named, spoilt]) Object.assign(each.spec, { serviceAccountName: 'mine' });
    t.ok(lostParts(named, spoilt).length > 0, what);
  }
});

for (const level of LEVELS) {
  void test(`${cases.length} pods in a namespace with Pod Security ${level}`, async (t) => {
    const injected = await judgeAll(t, cases, level);
    t.ok(injected >= 300, `${injected} were injected`);
  });
}

void test('istio 16126, linkerd 2750: a quota and a LimitRange take a pod with its agent', async (t) => {
  const path = '/api/v1/namespaces/bounded';
  await makeNamespace('bounded', { [INJECT]: 'enabled' });
  const limits = [{ type: 'Container', max: { cpu: '2', memory: '1Gi' } }];
  await admin.create(`${path}/limitranges`, { metadata: { name: 'each' }, spec: { limits } });
  await makeNamespace('quota', { [INJECT]: 'enabled' });
  const hard = { 'limits.cpu': '4', 'limits.memory': '4Gi', 'requests.memory': '4Gi' };
  const quota = { metadata: { name: 'all' }, spec: { hard } };
  await admin.create('/api/v1/namespaces/quota/resourcequotas', quota);
  const pod = (image: string, cpu?: string): object => {
    const bounds = { cpu, memory: '100Mi' };
    const resources = cpu === undefined ? {} : { limits: bounds, requests: bounds };
    return { metadata: { name: 'a' }, spec: { containers: [{ name: 'redis', image, resources }] } };
  };
  await waitFor(
    'both are in force',
    async () => {
      const refusals = await Promise.allSettled([
        created('quota', pod('nginx')),
        created('bounded', pod('nginx', '3')),
      ]);
      return refusals.every(({ status }) => status === 'rejected');
    },
    { timeoutMs: 20_000 },
  );
  for (const namespace of ['bounded', 'quota']) {
    const stored = await waitFor(
      `${namespace} takes the pod`,
      async () => await created(namespace, pod('redis:7', '100m')),
      { timeoutMs: 20_000 },
    );
    t.equal(agentsIn(stored), 1, namespace);
    // As the warning qos-lowered says.
    t.match(stored, { status: { qosClass: 'Burstable' } });
  }
  t.match(await created('plain', pod('redis:7', '100m')), { status: { qosClass: 'Guaranteed' } });
});

void test('the same with the agent as an ordinary container', async (t) => {
  const [port = 0] = await freePorts(1);
  const older = await startWebhook(controlPlane, port, ['--native-sidecar=false']);
  await webhookReady(older);
  applyBase(controlPlane, port);
  const pod = {
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'redis', image: 'redis' }] },
  };
  await waitFor(
    'the other webhook is asked',
    async () => (await created('privileged', pod)).spec?.containers?.length === 2,
    { timeoutMs: 20_000 },
  );
  const some = cases.filter((_, at) => at % 3 === 0);
  const injected = await judgeAll(t, some, 'restricted');
  t.ok(injected >= 100, `${injected} were injected`);
  await older.process.stop();
});
