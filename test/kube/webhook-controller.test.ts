// The namespace controller of two real replicas: one of them works, what it makes is there at once, stays while
// somebody uses it, and is taken away after that. Pods without the agent they should have are reported.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { t as file, test } from 'tap';
import { Agent } from 'undici';
import type { V1Lease } from '@kubernetes/client-node';
import { freePorts } from '../harness/free-ports.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { AGENT_RULES } from '../../webhook/agent-role.ts';
import { sendReview } from './send-review.ts';
import {
  CONFIGURATION,
  openWebhookStage,
  startWebhook,
  SYSTEM,
  type WebhookProcess,
  webhookReady,
} from './webhook-setup.ts';

const { controlPlane, httpsPort } = await openWebhookStage(file);
const { admin } = controlPlane;
const ROUNDS = ['--round-interval=500ms'];
const INJECT = { 'redis-orchestrator.io/inject': 'enabled' };
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/redis-orchestrator-webhook`;
const [otherPort = 0] = await freePorts(1);

const served = await startWebhook(controlPlane, httpsPort, ROUNDS);
await webhookReady(served);
let replicas = [served, await startWebhook(controlPlane, otherPort, ROUNDS)];
await Promise.all(replicas.map(webhookReady));

const coreOf = (name: string): string => `/api/v1/namespaces/${name}`;
const rbacOf = (name: string): string => `/apis/rbac.authorization.k8s.io/v1/namespaces/${name}`;

function objectsIn(name: string): readonly string[] {
  return [
    `${coreOf(name)}/serviceaccounts/redis-orchestrator`,
    `${rbacOf(name)}/roles/redis-orchestrator-agent`,
    `${rbacOf(name)}/rolebindings/redis-orchestrator-agent`,
  ];
}

async function thereIn(name: string): Promise<readonly boolean[]> {
  const found = objectsIn(name).map(async (path) => (await admin.find(path)) !== undefined);
  return await Promise.all(found);
}

const tails = (): string => replicas.map(({ process }) => process.tail(6)).join('\n');
const wait = { timeoutMs: 10_000, picture: tails };

async function namespace(name: string, labels: Record<string, string> = INJECT): Promise<void> {
  await admin.create('/api/v1/namespaces', { metadata: { name, labels } });
  await waitFor(
    `the default account of ${name}`,
    async () => (await admin.find(`${coreOf(name)}/serviceaccounts/default`)) !== undefined,
    wait,
  );
}

async function prepared(name: string): Promise<void> {
  const isThere = async (): Promise<boolean> => (await thereIn(name)).every((each) => each);
  await waitFor(`${name} is prepared`, isThere, wait);
}

function redis(name: string, metadata: object = {}, spec: object = {}): object {
  const containers = [{ name: 'redis', image: 'redis:7' }];
  return {
    metadata: { name, labels: { app: 'redis' }, ...metadata },
    spec: { containers, ...spec },
  };
}

async function createPod(into: string, pod: object): Promise<Pod> {
  const create = async (): Promise<Pod> => await admin.create<Pod>(`${coreOf(into)}/pods`, pod);
  return await waitFor('the pod is admitted', create, wait);
}

/** No kubelet says that it ended. */
async function deletePod(from: string, name: string): Promise<void> {
  await admin.delete(`${coreOf(from)}/pods/${name}`, { gracePeriodSeconds: 0 });
}

async function metric({ healthPort }: WebhookProcess, name: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`redis_orchestrator_webhook_${name}`));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

async function leaders(): Promise<readonly WebhookProcess[]> {
  const running = replicas.filter(({ process }) => process.isRunning);
  const values = await Promise.all(running.map(async (each) => await metric(each, 'leader')));
  return running.filter((_, index) => values[index] === 1);
}

async function leader(): Promise<WebhookProcess> {
  const one = async () => ((await leaders()).length === 1 ? (await leaders())[0] : undefined);
  return await waitFor('one replica leads', one, { timeoutMs: 12_000, picture: tails });
}

async function uninjected(name: string): Promise<number> {
  const count = await metric(await leader(), `uninjected_pods{target_namespace="${name}"}`);
  return count ?? 0;
}

void test('label: account, Role and RoleBinding within a second', async (t) => {
  const tookMs: number[] = [];
  for (let round = 0; round < 7; round++) {
    const since = performance.now();
    const name = `fast-${round}`;
    await admin.create('/api/v1/namespaces', { metadata: { name, labels: INJECT } });
    await prepared(name);
    tookMs.push(performance.now() - since);
  }
  const [median = 0] = tookMs.toSorted((a, b) => a - b).slice(3);
  t.comment(`${tookMs.map((each) => each.toFixed(0)).join(', ')} ms`);
  // The median: a single one may have waited for this machine.
  t.ok(median < 1000, `${median.toFixed(0)} ms`);
});

void test('one of two works; killed, the other one takes over, told to stop, at once', async (t) => {
  const first = await leader();
  const other = replicas.find((each) => each !== first);
  await holdsFor(
    1000,
    async () => {
      t.same(await leaders(), [first]);
    },
    500,
  );
  const holder = (await admin.get<V1Lease>(LEASE)).spec?.holderIdentity;
  await first.process.kill();
  let since = performance.now();
  await namespace('after-kill');
  await prepared('after-kill');
  const killedMs = performance.now() - since;
  t.equal(await leader(), other);
  const { spec } = await admin.get<V1Lease>(LEASE);
  t.not(spec?.holderIdentity, holder);
  t.equal(spec?.leaseTransitions, 1);

  const again = await startWebhook(controlPlane, first.httpsPort, ROUNDS);
  await webhookReady(again);
  replicas = [again, ...replicas.filter((each) => each !== first)];
  const stopping = other?.process.stop(10_000);
  since = performance.now();
  await namespace('after-stop');
  await prepared('after-stop');
  const stoppedMs = performance.now() - since;
  await stopping;
  t.equal(await leader(), again);
  t.comment(`killed: ${killedMs.toFixed(0)} ms, stopped: ${stoppedMs.toFixed(0)} ms`);
  t.ok(killedMs < 12_000);
  t.ok(stoppedMs < 4000);
  replicas = [again, await startWebhook(controlPlane, other?.httpsPort ?? 0, ROUNDS)];
  await Promise.all(replicas.map(webhookReady));
});

void test('label taken off: what agents use stays and is repaired, until the last one is gone', async (t) => {
  await namespace('leaving');
  await prepared('leaving');
  const pod = await createPod('leaving', redis('redis-0'));
  t.equal(pod.spec?.initContainers?.[0]?.name, 'redis-orchestrator');
  await admin.patch('/api/v1/namespaces/leaving', {
    metadata: { labels: { 'redis-orchestrator.io/inject': null } },
  });
  await holdsFor(
    1500,
    async () => {
      t.same(await thereIn('leaving'), [true, true, true]);
    },
    250,
  );
  await admin.delete(objectsIn('leaving')[2] ?? '');
  await prepared('leaving');
  const role = `${rbacOf('leaving')}/roles/redis-orchestrator-agent`;
  await admin.patch(role, { rules: [] });
  const isRight = async (): Promise<boolean> =>
    (await admin.get<{ rules?: unknown[] }>(role)).rules?.length === AGENT_RULES.length;
  await waitFor('the Role is repaired', isRight, wait);

  await deletePod('leaving', 'redis-0');
  await waitFor(
    'nothing of ours is left',
    async () => (await thereIn('leaving')).every((each) => !each),
    wait,
  );
  t.ok(await admin.find(`${coreOf('leaving')}/serviceaccounts/default`), 'and nothing else went');
});

void test("a person's own objects stay, whatever becomes of the label", async (t) => {
  await namespace('by-hand', {});
  const metadata = { name: 'redis-orchestrator' };
  await admin.create(`${coreOf('by-hand')}/serviceaccounts`, { metadata });
  await admin.patch('/api/v1/namespaces/by-hand', { metadata: { labels: INJECT } });
  await prepared('by-hand');
  await admin.patch('/api/v1/namespaces/by-hand', {
    metadata: { labels: { 'redis-orchestrator.io/inject': 'disabled' } },
  });
  await waitFor(
    'Role and RoleBinding are gone',
    async () => (await thereIn('by-hand')).join() === 'true,false,false',
    wait,
  );
  await holdsFor(
    1000,
    async () => {
      t.same(await thereIn('by-hand'), [true, false, false], 'the account stays');
    },
    500,
  );
});

async function subjectsIn(name: string): Promise<readonly string[]> {
  const binding = objectsIn(name)[2] ?? '';
  const found = await admin.find<{ subjects?: { name: string }[] }>(binding);
  return (found?.subjects ?? []).map((subject) => subject.name).sort();
}

/** Reviews come to this replica alone. */
async function callAt(port: number): Promise<void> {
  const value = `https://127.0.0.1:${port}/mutate`;
  const path = (index: number): string => `/webhooks/${index}/clientConfig/url`;
  const operations = [0, 1].map((index) => ({ op: 'replace', path: path(index), value }));
  await admin.patch(CONFIGURATION, operations, 'json');
}

void test('a namespace that cannot be prepared says why, and no longer than anybody wants it', async (t) => {
  const leads = await leader();
  await callAt(leads.httpsPort);
  await admin.create('/api/v1/namespaces', { metadata: { name: 'full' } });
  const quota = {
    metadata: { name: 'none' },
    spec: { hard: { 'count/roles.rbac.authorization.k8s.io': '0' } },
  };
  await admin.create(`${coreOf('full')}/resourcequotas`, quota);
  const counts = async (): Promise<boolean> => {
    const path = `${coreOf('full')}/resourcequotas/none`;
    return (await admin.get<{ status?: { used?: object } }>(path)).status?.used !== undefined;
  };
  await waitFor('the quota counts', counts, wait);
  await admin.patch('/api/v1/namespaces/full', { metadata: { labels: INJECT } });
  const pod = redis('redis-0', { labels: { app: 'redis', ...INJECT } });
  const said = async (what: RegExp): Promise<boolean> => {
    // A dry run asks for nothing.
    const asking = admin.create(`${coreOf('full')}/pods?dryRun=All`, pod).then(() => '', String);
    return what.test(await asking);
  };
  await waitFor('it says why', () => said(/cannot be prepared \(403: roles/), wait);
  await admin.patch('/api/v1/namespaces/full', {
    metadata: { labels: { 'redis-orchestrator.io/inject': null } },
  });
  await waitFor('the problem is forgotten', () => said(/being prepared/), wait);
  // The quota is there still: not a success, but that nobody wants it, ended the problem.
  t.same((await thereIn('full')).slice(1), [false, false], 'no Role, no RoleBinding');
  await callAt(httpsPort);
});

void test('a pod with a label and an account of its own: bound, taken away with it, and bound again', async (t) => {
  // Both entries lead to the replica that does not lead: it does what pods ask for, the other one the rest.
  const leads = await leader();
  const asked = leads.httpsPort === httpsPort ? otherPort : httpsPort;
  await namespace('own', {});
  await admin.create(`${coreOf('own')}/serviceaccounts`, { metadata: { name: 'mine' } });
  const labels = { app: 'redis', ...INJECT };
  const pod = redis('redis-0', { labels }, { serviceAccountName: 'mine' });
  for (const round of ['first', 'again']) {
    // One replica is asked for the namespace, the other one injects: neither may rely on what it remembers.
    await callAt(round === 'first' ? asked : leads.httpsPort);
    const refused = async (query = ''): Promise<boolean> => {
      const asking = admin.create(`${coreOf('own')}/pods${query}`, pod).then(() => '', String);
      return /being prepared/.test(await asking);
    };
    await waitFor('it has seen that nothing is there', () => refused('?dryRun=All'), wait);
    t.ok(await refused(), round);
    await prepared('own');
    // The leader has seen what was made, and has no reason to look again.
    await holdsFor(
      1000,
      async () => {
        t.notOk((await subjectsIn('own')).includes('mine'), round);
      },
      500,
    );
    await callAt(asked);
    const made = await createPod('own', pod);
    t.equal(made.spec?.initContainers?.[0]?.name, 'redis-orchestrator', round);
    const bound = async (): Promise<boolean> =>
      (await subjectsIn('own')).join() === 'mine,redis-orchestrator';
    await waitFor(`${round}: the account is bound`, bound, wait);
    await deletePod('own', 'redis-0');
    // Who was asked a moment ago keeps it for two minutes.
    if (round === 'again') break;
    const isEmpty = async (): Promise<boolean> => (await thereIn('own')).every((each) => !each);
    await waitFor(`${round}: nothing of ours is left`, isEmpty, wait);
  }
  await callAt(httpsPort);
});

void test('the replica that injected a pod is killed, or saw a namesake bound: the leader binds the account', async (t) => {
  const leads = await leader();
  const asked = replicas.find((each) => each !== leads) ?? leads;
  await callAt(asked.httpsPort);
  await namespace('orphan');
  await prepared('orphan');
  await admin.create(`${coreOf('orphan')}/serviceaccounts`, { metadata: { name: 'mine' } });
  const binding = objectsIn('orphan')[2] ?? '';
  const { subjects } = await admin.get<{ subjects: object[] }>(binding);
  const namesake = { kind: 'ServiceAccount', name: 'mine', namespace: 'elsewhere' };
  await admin.patch(binding, { subjects: [...subjects, namesake] });
  await createPod('orphan', redis('redis-0', {}, { serviceAccountName: 'mine' }));
  await asked.process.kill();
  const isBound = async (): Promise<boolean> =>
    (await subjectsIn('orphan')).join() === 'mine,mine,redis-orchestrator';
  await waitFor('its account is bound', isBound, wait);
  t.same(await leaders(), [leads]);
  replicas = [leads, await startWebhook(controlPlane, asked.httpsPort, ROUNDS)];
  await Promise.all(replicas.map(webhookReady));
  await callAt(httpsPort);
});

void test('a namespace that a policy keeps from being tidied stops no other one', async (t) => {
  const admission = '/apis/admissionregistration.k8s.io/v1';
  const metadata = { name: 'keep-bindings' };
  const rule = {
    apiGroups: ['rbac.authorization.k8s.io'],
    apiVersions: ['v1'],
    operations: ['DELETE'],
    resources: ['rolebindings'],
  };
  await admin.create(`${admission}/validatingadmissionpolicies`, {
    metadata,
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: 'false', message: 'bindings stay here' }],
    },
  });
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'a-stuck' } };
  await admin.create(`${admission}/validatingadmissionpolicybindings`, {
    metadata,
    spec: {
      policyName: metadata.name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector },
    },
  });
  for (const name of ['a-stuck', 'b-free']) {
    await namespace(name);
    await prepared(name);
  }
  const isHeld = async (): Promise<boolean> =>
    await admin.delete(objectsIn('a-stuck')[2] ?? '').then(
      () => false,
      () => true,
    );
  await waitFor('the policy holds', isHeld, wait);
  await prepared('a-stuck');
  await namespace('c-late', {});
  await createPod('c-late', redis('redis-0'));
  const off = { metadata: { labels: { 'redis-orchestrator.io/inject': null } } };
  for (const name of ['a-stuck', 'b-free']) await admin.patch(`/api/v1/namespaces/${name}`, off);
  await admin.patch('/api/v1/namespaces/c-late', { metadata: { labels: INJECT } });
  const isGone = async (name: string): Promise<boolean> =>
    (await thereIn(name)).every((each) => !each);
  await waitFor('the other one is tidied', async () => await isGone('b-free'), wait);
  await waitFor('pods are counted', async () => (await uninjected('c-late')) === 1, wait);
  t.ok((await thereIn('a-stuck'))[2], 'while that one is held');
  await admin.delete(`${admission}/validatingadmissionpolicybindings/keep-bindings`);
  await waitFor('and tidied once it may be', async () => await isGone('a-stuck'), wait);
});

void test('a namespace whose policies hang delays neither another one nor the start of a replica', async (t) => {
  // It takes connections and never answers.
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const rule = {
    apiGroups: ['', 'rbac.authorization.k8s.io'],
    apiVersions: ['v1'],
    operations: ['CREATE'],
    resources: ['serviceaccounts', 'roles', 'rolebindings'],
  };
  const webhook = {
    name: 'hangs.example.org',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Ignore',
    timeoutSeconds: 30,
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'stuck' } },
    rules: [rule],
    clientConfig: { url: `https://127.0.0.1:${port}/` },
  };
  await admin.create(configurations, { metadata: { name: 'hangs' }, webhooks: [webhook] });
  await admin.create('/api/v1/namespaces', { metadata: { name: 'stuck', labels: INJECT } });
  await waitFor('its preparation hangs', () => sockets.size > 0, wait);
  await namespace('sound');
  await prepared('sound');
  const isPrepared = async (): Promise<boolean> => (await thereIn('stuck')).every((each) => each);
  t.notOk(await isPrepared(), 'while that one hangs');

  await Promise.all(replicas.map(async ({ process }) => await process.stop()));
  const again = await startWebhook(controlPlane, httpsPort, ROUNDS);
  replicas = [again];
  const since = performance.now();
  await webhookReady(again);
  const readyMs = performance.now() - since;
  t.comment(`ready after ${readyMs.toFixed(0)} ms`);
  t.notOk(await isPrepared(), 'ready while that one hangs still');
  await admin.delete(`${configurations}/hangs`);
  await prepared('stuck');
  replicas = [again, await startWebhook(controlPlane, otherPort, ROUNDS)];
  await Promise.all(replicas.map(webhookReady));
});

void test('a review that no API server sent binds nobody: only a pod that is there does', async (t) => {
  await namespace('forged');
  await prepared('forged');
  await admin.create(`${coreOf('forged')}/serviceaccounts`, { metadata: { name: 'victim' } });
  const object = redis('redis-0', { labels: { app: 'redis' } }, { serviceAccountName: 'victim' });
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  t.teardown(async () => await dispatcher.close());
  const asked = { uid: '1', namespace: 'forged', object };
  for (const port of [httpsPort, otherPort]) {
    const answer = await sendReview(port, asked, { dispatcher, dryRun: false });
    t.match(answer, { response: { allowed: true, patch: /./ } }, 'it was reviewed');
  }
  await holdsFor(
    3000,
    async () => {
      t.same(await subjectsIn('forged'), ['redis-orchestrator']);
    },
    500,
  );
  await createPod('forged', object);
  const bound = async (): Promise<boolean> => (await subjectsIn('forged')).includes('victim');
  await waitFor('a real pod of that account binds it', bound, wait);
});

type Told = { reason: string; note: string; regarding: { kind: string; name: string } };

async function toldIn(name: string): Promise<readonly Told[]> {
  const { items } = await admin.get<{ items: Told[] }>(
    `/apis/events.k8s.io/v1/namespaces/${name}/events`,
  );
  return items.filter(({ reason }) => reason === 'Uninjected');
}

async function statefulSet(into: string): Promise<object[]> {
  const { metadata } = await admin.create<{ metadata: { uid: string } }>(
    `/apis/apps/v1/namespaces/${into}/statefulsets`,
    {
      metadata: { name: 'redis' },
      spec: {
        serviceName: 'redis',
        selector: { matchLabels: { app: 'redis' } },
        template: redis(''),
      },
    },
  );
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis', controller: true };
  return [{ ...owner, uid: metadata.uid }];
}

void test('pods that were there before the label are reported, and left alone', async (t) => {
  await namespace('late', {});
  const ownerReferences = await statefulSet('late');
  await createPod('late', redis('redis-0', { ownerReferences }));
  await createPod('late', redis('alone'));
  await createPod('late', {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'web', image: 'nginx' }] },
  });
  await admin.patch('/api/v1/namespaces/late', { metadata: { labels: INJECT } });
  await waitFor('both are counted', async () => (await uninjected('late')) === 2, wait);
  const told = await waitFor(
    'both are told',
    async () => ((await toldIn('late')).length === 2 ? await toldIn('late') : undefined),
    wait,
  );
  const about = told.map(({ regarding }) => `${regarding.kind} ${regarding.name}`).sort();
  t.same(about, ['Pod alone', 'StatefulSet redis']);
  t.match(told.map(({ note }) => note).join(), /pod redis-0 has no agent.*restart it/);
  await holdsFor(
    1000,
    async () => {
      t.equal((await admin.get<{ items: object[] }>(`${coreOf('late')}/pods`)).items.length, 3);
    },
    500,
  );
  t.equal((await toldIn('late')).length, 2, 'told once');

  await deletePod('late', 'redis-0');
  await deletePod('late', 'alone');
  const pod = await createPod('late', redis('redis-0', { ownerReferences }));
  t.equal(pod.spec?.initContainers?.[0]?.name, 'redis-orchestrator');
  await waitFor('nothing to report', async () => (await uninjected('late')) === 0, wait);
});

void test('no webhook answered while pods were made: reported once one is back', async (t) => {
  await namespace('missed');
  await prepared('missed');
  await Promise.all(replicas.map(async ({ process }) => await process.stop()));
  // As somebody sets it who would rather have no agent than no pod.
  const ignore = [0, 1].map((index) => ({
    op: 'replace',
    path: `/webhooks/${index}/failurePolicy`,
    value: 'Ignore',
  }));
  await admin.patch(CONFIGURATION, ignore, 'json');
  const plain = await waitFor(
    'the pod comes without the webhook',
    async () => await admin.create<Pod>(`${coreOf('missed')}/pods`, redis('redis-0')),
    wait,
  );
  t.notOk(plain.spec?.initContainers);
  replicas = await Promise.all(
    [httpsPort, otherPort].map(async (port) => await startWebhook(controlPlane, port, ROUNDS)),
  );
  await Promise.all(replicas.map(webhookReady));
  await waitFor('it is told', async () => (await toldIn('missed')).length === 1, {
    timeoutMs: 15_000,
    picture: tails,
  });
  await waitFor('it is counted', async () => (await uninjected('missed')) === 1, wait);
  t.ok(await admin.find(`${coreOf('missed')}/pods/redis-0`), 'and left alone');
});
