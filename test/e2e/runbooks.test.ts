// The runbooks as a person uses them: each command of each page, in its order, on a real group. Pages are read, so that
// they and the test cannot drift.

import t, { type Test } from 'tap';
import { RULE_NAMES, type RuleName } from '../../src/monitoring/rules.ts';
import { leaseName } from '../../src/names.ts';
import { withRedis } from '../harness/redis-client.ts';
import { commandsOf, runbookPage } from '../harness/runbook-pages.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openCluster } from './cluster.ts';
import { Group, type GroupPod } from './group.ts';
import { applyExample, REDIS } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { agentPid, redisPid } from './processes.ts';
import { type Shell, shellOf } from './runbook-shell.ts';

/** Where `POD` is the master; elsewhere it is a replica. */
const OF_THE_MASTER: ReadonlySet<RuleName> = new Set(['MasterUnrouted', 'RedisUnwritable']);
/** It stops the webhook for all namespaces: test/e2e/install, where nothing else runs. */
const OF_THE_CLUSTER: RuleName = 'WebhookUnhealthy';

type Look = {
  readonly master: string;
  readonly term: number;
  readonly uids: ReadonlyMap<string, string>;
};

async function lookAt(group: Group): Promise<Look> {
  const master = await group.oneMaster();
  const { namespace, cluster } = group;
  const lease = { namespace, name: leaseName(group.name) };
  const { spec } = await cluster.coordination.readNamespacedLease(lease);
  const uids = new Map((await group.pods()).map(({ name, uid }) => [name, uid]));
  return { master: master.name, term: spec?.leaseTransitions ?? 0, uids };
}

/** What a command is there for, where one can see it on a group that is well. */
const EFFECTS: readonly (readonly [
  command: RegExp,
  what: string,
  isDone: (before: Look, after: Look, pod: string) => boolean,
])[] = [
  [/io\/force=/, 'a new term', (before, after) => after.term > before.term],
  [/switchover/, 'another master', (before, after) => after.master !== before.master],
  [/ delete pod /, 'a new pod', ({ uids }, after, pod) => uids.get(pod) !== after.uids.get(pod)],
  [
    / rollout restart /,
    'all pods are new',
    ({ uids }, after) => [...uids].every(([name, uid]) => after.uids.get(name) !== uid),
  ],
];

/** What ran before a restart is there only after one: each container whose last words a page asks for ends once. */
async function restartOnce(group: Group, pod: GroupPod, container: string): Promise<void> {
  const restarts = async (): Promise<number> => {
    const { status } = (await group.pod(pod.name)).object;
    const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    return all.find(({ name }) => name === container)?.restartCount ?? 0;
  };
  if ((await restarts()) > 0) return;
  process.kill(container === 'redis' ? redisPid(pod.uid) : agentPid(pod.uid), 'SIGKILL');
  await waitFor(`${container} of ${pod.name} restarted`, async () => (await restarts()) > 0, {
    timeoutMs: 60_000,
    everyMs: 250,
  });
}

type Undo = () => Promise<unknown>;
const nothing: Undo = async () => await Promise.resolve();

/** The fault of a page, where it can be had without harm to other tests; answers what ends it after the first step. */
const FAULTS: Readonly<
  Partial<Record<RuleName, (group: Group, pod: GroupPod, shell: Shell) => Promise<Undo>>>
> = {
  NoMaster: async (_group, _pod, shell) => await paused(shell),
  PausedTooLong: async (_group, _pod, shell) => await paused(shell),
  // By somebody else, and its agent may not stop it.
  SplitBrain: async ({ access }, { ip }) => {
    await withRedis(ip, access, async (client) => {
      const open = ['replicaof', 'no', 'one'];
      await client.multi([open, ['acl', 'setuser', 'default', '-replicaof']]).exec();
    });
    return nothing;
  },
  // A snapshot cannot be moved onto a folder.
  RedisUnwritable: async (group, pod) => {
    const sh = async (text: string): Promise<string> =>
      await group.kubectl('exec', pod.name, '-c', 'redis', '--', 'sh', '-c', text);
    await sh('rm -f /data/dump.rdb; mkdir /data/dump.rdb; redis-cli bgsave');
    const isRefused = async (): Promise<boolean> =>
      (await sh('redis-cli set it refused')).includes('MISCONF');
    await waitFor('writes are refused', isRefused, { timeoutMs: 30_000, everyMs: 250 });
    return async () => {
      const isAnother = async (): Promise<boolean> =>
        !(await group.leaseHolder()).startsWith(`${pod.name}_`);
      await waitFor('another leads', isAnother, { timeoutMs: 30_000, everyMs: 50 });
      // A replica that cannot keep what it is sent ends itself: its container may be about to start.
      const isMended = async (): Promise<boolean> =>
        (await sh('rm -rf /data/dump.rdb; redis-cli bgsave')) !== '';
      await waitFor('its disk is well', isMended, { timeoutMs: 60_000, everyMs: 250 });
    };
  },
};

async function paused(shell: Shell): Promise<Undo> {
  const text = 'redis-orchestrator pause -n $NS $GROUP --for 10m --reason drill';
  await shell({ section: '', text, isByHand: false, before: '' });
  return nothing;
}

async function runbook(t: Test, group: Group, name: RuleName): Promise<void> {
  const { namespace: NS, name: GROUP, cluster } = group;
  const master = await group.oneMaster();
  const [replica = master, other = master] = (await group.pods()).filter(
    ({ uid }) => uid !== master.uid,
  );
  const pod = OF_THE_MASTER.has(name) ? master : replica;
  const names = { POD: pod.name, MASTER: master.name, OTHER: other.name };
  const shell = shellOf(t, cluster, { NS, GROUP, NAME: GROUP, ...names });
  const page = runbookPage(name);
  for (const [, container = ''] of page.matchAll(/-c (\S+) --previous/g)) {
    await restartOnce(group, pod, container);
  }
  let before = await lookAt(group);
  let undo = (await FAULTS[name]?.(group, pod, shell)) ?? nothing;
  for (const command of commandsOf(page).filter(({ isByHand }) => !isByHand)) {
    await shell(command);
    if (command.section !== 'What to do') continue;
    await undo();
    undo = nothing;
    const effects = EFFECTS.filter(([text]) => text.test(command.text));
    for (const [, what, isDone] of effects) {
      const done = async (): Promise<boolean> => isDone(before, await lookAt(group), pod.name);
      await t.resolves(waitFor(what, done, { timeoutMs: 60_000, everyMs: 250 }), what);
    }
    before = await lookAt(group);
  }
}

t.setTimeout(600_000);
const cluster = openCluster();
const namespace = await createNamespace(t, cluster, 'runbooks', { isRestricted: true });
await applyExample(cluster, namespace, REDIS.manifest, { image: REDIS.image });
const group = new Group(cluster, namespace, REDIS.name);
await group.oneMaster();
// As where storage can grow; here nothing makes it larger.
const storage = JSON.stringify({ allowVolumeExpansion: true });
await cluster.kubectl(['patch', 'storageclass', 'standard', '-p', storage]);

for (const name of RULE_NAMES.filter((each) => each !== OF_THE_CLUSTER)) {
  await t.test(name, async (t) => await runbook(t, group, name));
}
