// The main job on one image: a plain StatefulSet in a labelled, `restricted` namespace becomes a
// highly available group and stays one. The tests share the group and build on each other.

import { setTimeout as pause } from 'node:timers/promises';
import type { V1Container } from '@kubernetes/client-node';
import type { Test } from 'tap';
import { AGENT_CONTAINER, GROUP_LABEL, STATUS_ANNOTATION } from '../../src/names.ts';
import { isServing } from '../harness/pod-object.ts';
import { replicationInfo } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Clients } from './clients.ts';
import { hasNativeSidecars, openCluster, SYSTEM_NAMESPACE } from './cluster.ts';
import { eventsTell } from './day-two.ts';
import { Group, type GroupPod } from './group.ts';
import { applyExample, exampleText, type Flavour } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { agentToken, redisHasToken, redisPid, residentMib } from './processes.ts';
import { record } from './records.ts';

/** Each round is one kill and one deletion of the master; more rounds make better figures. */
const ROUNDS = Number(process.env['RO_E2E_ROUNDS'] ?? '1');
/** A write that was sent so long before the fault has reached a replica that kept up. */
const UNREPLICATED_MS = 500;

/** How long a group that nobody uses is watched for the figures of an idle agent. */
const IDLE_SECONDS = Number(process.env['RO_E2E_IDLE_SECONDS'] ?? '15');
/** A renewal each second, and the checks of every sync interval. */
const HOLDER_REQUESTS_MAX = 90;
const OTHERS_REQUESTS_MAX = 30;

type Suite = { readonly group: Group; readonly flavour: Flavour };

function agentOf({ object }: GroupPod): V1Container | undefined {
  const { initContainers = [], containers = [] } = object.spec ?? {};
  return [...initContainers, ...containers].find(({ name }) => name === AGENT_CONTAINER);
}

function containerText(pod: GroupPod): string {
  return JSON.stringify(pod.object.spec);
}

async function injection(t: Test, { group, flavour }: Suite): Promise<void> {
  const manifest = exampleText(flavour.manifest).replaceAll(/^ *#.*$/gm, '');
  t.notMatch(manifest, /redis-orchestrator/, "the person's manifest has nothing about us");
  const pods = await group.pods();
  t.equal(pods.length, 3);
  const isNative = await hasNativeSidecars(group.cluster);
  const shape = isNative ? 'as a native sidecar' : 'as an ordinary container';
  for (const pod of pods) {
    const { metadata, spec } = pod.object;
    const redis = spec?.containers[0];
    const agent = agentOf(pod);
    const env = new Map((agent?.env ?? []).map(({ name, value }) => [name, value]));
    t.equal(agent?.restartPolicy, isNative ? 'Always' : undefined, `${pod.name}: ${shape}`);
    t.equal(spec?.containers.length, isNative ? 1 : 2, 'the agent is where it belongs');
    t.ok(env.has('POD_NAME') && env.has('POD_NAMESPACE') && env.has('POD_UID'), 'with its env');
    t.equal(metadata?.labels?.[GROUP_LABEL], flavour.name, 'the group label');
    t.ok(metadata?.annotations?.[STATUS_ANNOTATION], 'the status annotation');
    t.equal(spec?.serviceAccountName, 'redis-orchestrator', 'the service account');
    t.match(redis?.args?.join(' '), /--replicaof 127\.0\.0\.1 1 --replica-read-only yes/, 'fence');
    t.equal(redis?.lifecycle?.preStop?.httpGet?.path, '/prestop', 'preStop');
    t.notMatch(containerText(pod), /kube-api-access/, 'no automatic token');
    t.match(agentToken(pod.uid), /^ey/, 'the agent has a token');
    t.notOk(redisHasToken(pod.uid), 'Redis has none');
  }
}

async function clientPod(group: Group, { image }: Flavour): Promise<string> {
  const name = 'client';
  await group.cluster.core.createNamespacedPod({
    namespace: group.namespace,
    body: {
      metadata: { name, labels: { app: 'client' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 999,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'client',
            image,
            imagePullPolicy: 'IfNotPresent',
            command: ['sleep', '3600'],
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    },
  });
  await group.kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=90s');
  return name;
}

async function routing(t: Test, { group, flavour }: Suite): Promise<void> {
  const master = await group.oneMaster();
  const client = await clientPod(group, flavour);
  const cli = async (host: string, ...args: string[]): Promise<string> => {
    const command = ['exec', client, '--', 'redis-cli', '-h', host, ...args];
    return (await group.kubectl(...command)).trim();
  };
  await waitFor(
    'a pod writes through the Service by its name',
    async () => (await cli(flavour.name, 'SET', 'by-name', 'yes')) === 'OK',
    { timeoutMs: 60_000, everyMs: 250 },
  );
  t.equal(await cli(`${flavour.name}-replicas`, 'GET', 'by-name'), 'yes', 'replicas have it');
  t.match(await cli(`${flavour.name}-replicas`, 'ROLE'), /^slave/, 'and are replicas');
  const { runId } = await replicationInfo(master.ip, group.access);
  const address = await group.serviceAddress();
  for (let connection = 0; connection < 10; connection++) {
    const reached = await replicationInfo(address, group.access);
    t.equal(reached.runId, runId, 'every connection to the Service reaches the master');
  }
}

function agentLimitMib(pod: GroupPod): number {
  const { name } = pod;
  const limit = /^(\d+)Mi$/.exec(agentOf(pod)?.resources?.limits?.['memory'] ?? '')?.[1];
  if (limit === undefined) throw new Error(`the agent of ${name} has no memory limit in Mi`);
  return Number(limit);
}

async function idle(t: Test, { group, flavour }: Suite): Promise<void> {
  const { image } = flavour;
  const master = await group.oneMaster();
  const pods = await group.pods();
  const requests = async (): Promise<number[]> =>
    await Promise.all(pods.map(async (pod) => (await group.state(pod)).apiRequests));
  const mark = performance.now();
  const before = await requests();
  await pause(IDLE_SECONDS * 1000);
  const after = await requests();
  const minutes = (performance.now() - mark) / 60_000;
  for (const [index, pod] of pods.entries()) {
    const isMaster = pod.uid === master.uid;
    const value = ((after[index] ?? 0) - (before[index] ?? 0)) / minutes;
    const what = `requests to the API server, ${isMaster ? "the master's" : "a replica's"} agent`;
    record(t, { image, what, value, unit: 'per minute' });
    t.ok(value <= (isMaster ? HOLDER_REQUESTS_MAX : OTHERS_REQUESTS_MAX), `${pod.name}: few`);
    const memory = residentMib(pod.uid, 'agent');
    record(t, { image, what: 'memory of an idle agent', value: memory, unit: 'MiB' });
    t.ok(memory < agentLimitMib(pod) / 2, `${pod.name}: its agent takes less than half its limit`);
  }
  const { items } = await group.cluster.core.listNamespacedPod({ namespace: SYSTEM_NAMESPACE });
  // Another test file may be restarting the webhook at this moment.
  for (const { metadata } of items.filter(isServing)) {
    const value = residentMib(metadata?.uid ?? '', 'webhook');
    record(t, { image, what: 'memory of a webhook replica', value, unit: 'MiB' });
  }
}

async function killRedis(t: Test, { group, flavour }: Suite): Promise<void> {
  const master = await group.oneMaster();
  const clients = await Clients.start(t, group);
  const pid = redisPid(master.uid);
  const mark = performance.now();
  process.kill(pid, 'SIGKILL');
  const killed = performance.now();
  const direct = await clients.direct.firstAfter(killed, 60_000, master.ip);
  const service = await clients.service.firstAfter(killed, 60_000);
  const image = flavour.image;
  record(t, { image, what: 'Redis killed, direct', value: direct.atMs - mark });
  record(t, { image, what: 'Redis killed, through the Service', value: service.atMs - mark });
  const next = await group.oneMaster();
  record(t, { image, what: 'Redis killed, whole again', value: performance.now() - mark });
  await clients.stop();
  t.not(next.uid, master.uid, 'another pod is master');
  t.ok(direct.atMs - mark < 5000, 'another master answers well before the Lease would run out');
  const early = await clients.loss(next.ip, mark - UNREPLICATED_MS);
  const all = await clients.loss(next.ip);
  t.equal(early.lost, 0, 'nothing is lost that was acknowledged well before the kill');
  t.comment(`lost ${all.lost} of ${all.acknowledged} acknowledged writes`);
}

/** A planned change: the longest pause of either client, and not one acknowledged write lost. */
async function planned(
  t: Test,
  { group, flavour }: Suite,
  what: string,
  size: number,
  act: (master: GroupPod) => Promise<unknown>,
): Promise<GroupPod> {
  const master = await group.oneMaster();
  const clients = await Clients.start(t, group);
  const mark = performance.now();
  await act(master);
  const next = await group.oneMaster(size, 150_000);
  await clients.writeAgain(performance.now());
  const image = flavour.image;
  const until = performance.now();
  record(t, { image, what: `${what}, direct`, value: clients.direct.largestGapMs(mark, until) });
  record(t, {
    image,
    what: `${what}, through the Service`,
    value: clients.service.largestGapMs(mark, until),
  });
  await clients.stop();
  const { lost, acknowledged } = await clients.loss(next.ip);
  t.comment(`lost ${lost} of ${acknowledged} acknowledged writes`);
  t.equal(lost, 0, 'no acknowledged write is lost');
  t.comment(`errors of the client: ${JSON.stringify([...clients.service.errors])}`);
  return next;
}

async function deleteMaster(t: Test, suite: Suite): Promise<void> {
  const { group } = suite;
  let before: GroupPod | undefined;
  const next = await planned(t, suite, 'master pod deleted', 3, async (master) => {
    before = master;
    await group.kubectl('delete', 'pod', master.name);
  });
  t.not(next.name, before?.name, 'the pod that comes back does not take the role');
}

async function deleteAll(t: Test, suite: Suite): Promise<void> {
  const { group, flavour } = suite;
  const before = new Set((await group.pods()).map(({ uid }) => uid));
  await planned(t, suite, 'all pods deleted at once', 3, async () => {
    await group.kubectl('delete', 'pod', '-l', `app=${flavour.name}`);
  });
  const after = await group.pods();
  t.notOk(
    after.some(({ uid }) => before.has(uid)),
    'all pods are new',
  );
}

/** Sets replica-priority, and waits until the agents know it. A master does not tell its priority. */
async function setPriorities(
  group: Group,
  value: number,
  isFor: (pod: GroupPod) => boolean,
): Promise<void> {
  const pods = (await group.pods()).filter(isFor);
  for (const { ip } of pods) {
    await group.command(ip, 'CONFIG', 'SET', 'replica-priority', String(value));
  }
  await waitFor(
    'the agents know the priorities',
    async () => {
      const states = await Promise.all(pods.map(async (pod) => await group.state(pod)));
      return states.every(({ isMaster, instance }) => isMaster || instance?.priority === value);
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
}

/** Mastership at the highest ordinal: all others are told that they cannot be elected. */
async function moveToLast(group: Group, size: number): Promise<GroupPod> {
  const last = `${group.name}-${size - 1}`;
  await setPriorities(group, 0, ({ name }) => name !== last);
  const master = await group.oneMaster(size);
  if (master.name !== last) await group.kubectl('delete', 'pod', master.name);
  const next = await group.oneMaster(size);
  await setPriorities(group, 100, () => true);
  return next;
}

async function scale(t: Test, suite: Suite): Promise<void> {
  const { group, flavour } = suite;
  await planned(t, suite, 'scaled from 3 to 5', 5, async () => {
    await group.scale(5);
  });
  const master = await moveToLast(group, 5);
  t.equal(master.name, `${flavour.name}-4`, 'the last pod is the master');
  const clients = await Clients.start(t, group);
  const mark = performance.now();
  await group.scale(2);
  const next = await group.oneMaster(2, 150_000);
  await clients.writeAgain(performance.now());
  const what = 'scaled from 5 to 2, past the master, through the Service';
  record(t, { image: flavour.image, what, value: clients.service.largestGapMs(mark) });
  await clients.stop();
  const { lost, acknowledged } = await clients.loss(next.ip);
  t.comment(`lost ${lost} of ${acknowledged} acknowledged writes`);
  t.equal(lost, 0, 'no acknowledged write is lost');
}

async function restricted(t: Test, { group, flavour }: Suite): Promise<void> {
  const refused = group.cluster.core.createNamespacedPod({
    namespace: group.namespace,
    dryRun: 'All',
    body: {
      metadata: { name: 'lax' },
      spec: { containers: [{ name: 'main', image: flavour.image, command: ['sleep', '1'] }] },
    },
  });
  await t.rejects(refused, /violates PodSecurity/, 'the namespace refuses what is not restricted');
  t.equal((await group.allReady(3)).length, 3, 'and runs the injected pods');
}

export async function failoverSuite(t: Test, flavour: Flavour): Promise<void> {
  t.setTimeout(900_000);
  const cluster = openCluster();
  const namespace = await createNamespace(t, cluster, flavour.name, { isRestricted: true });
  const suite = { group: new Group(cluster, namespace, flavour.name), flavour };
  const started = performance.now();
  await applyExample(cluster, namespace, flavour.manifest, { image: flavour.image });
  await suite.group.oneMaster();
  const what = 'applied, until one master of three';
  record(t, { image: flavour.image, what, value: performance.now() - started });

  await t.test('the plain StatefulSet is injected', async (t) => await injection(t, suite));
  await t.test('a `restricted` namespace accepts it', async (t) => await restricted(t, suite));
  await t.test('the Service routes to the master', async (t) => await routing(t, suite));
  await t.test('an idle agent asks and takes little', async (t) => await idle(t, suite));
  for (let round = 1; round <= ROUNDS; round++) {
    await t.test(`the master's Redis is killed (${round})`, async (t) => {
      await killRedis(t, suite);
    });
    await t.test(`the master's pod is deleted while clients write (${round})`, async (t) => {
      await deleteMaster(t, suite);
    });
  }
  await t.test('Events tell of all that, where kubectl shows them', async (t) => {
    await eventsTell(t, suite.group);
  });
  await t.test('all pods are deleted at once', async (t) => await deleteAll(t, suite));
  await t.test('3 pods become 5, then 2, past the master', async (t) => await scale(t, suite));
}
