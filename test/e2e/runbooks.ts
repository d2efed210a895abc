// The runbooks as a person uses them: each command of each page, in its order, on a real group. Pages are read, so that
// they and the test cannot drift.

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { RULE_NAMES, type RuleName } from '../../src/monitoring/rules.ts';
import { leaseName } from '../../src/names.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { commandsOf, type RunbookCommand, runbookPage } from '../harness/runbook-pages.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Cluster } from './cluster.ts';
import type { Group, GroupPod } from './group.ts';
import { agentPid, redisPid } from './processes.ts';

const run = promisify(execFile);
/** The program in PATH, as a person has it. */
const PROGRAM = 'redis-orchestrator';
/** Of a command that may wait for a rolling update. */
const TIMEOUT_MS = 300_000;

const REFUSED = /^(\(error\) )?(ERR|NOAUTH|NOPERM|WRONGPASS|MISCONF) /m;

/** Where `POD` is the master; elsewhere it is a replica. */
const OF_THE_MASTER: ReadonlySet<RuleName> = new Set(['MasterUnrouted', 'RedisUnwritable']);
/** Where somebody paused the failover. */
const OF_A_PAUSE: ReadonlySet<RuleName> = new Set(['NoMaster', 'PausedTooLong']);
/** It stops the webhook for all namespaces: test/e2e/install, where nothing else runs. */
const OF_THE_CLUSTER: RuleName = 'WebhookUnhealthy';

/** A folder for PATH. Nobody is there to be asked, and what is not well is an answer of `status`, too. */
function programFolder(t: Test): string {
  const bundle = `"${process.execPath}" "${join(REPOSITORY, 'dist', `${PROGRAM}.mjs`)}" "$@"`;
  const folder = t.testdir({});
  mkdirSync(folder, { recursive: true });
  const text = `#!/bin/sh
case $1 in
  switchover) exec ${bundle} --yes ;;
  status) ${bundle}; code=$?; case $code in 3 | 4) exit 0 ;; *) exit $code ;; esac ;;
  *) exec ${bundle} ;;
esac
`;
  writeFileSync(join(folder, PROGRAM), text);
  chmodSync(join(folder, PROGRAM), 0o755);
  return folder;
}

export type Shell = (command: RunbookCommand) => Promise<void>;

/** Runs a command of a page with these variables; one that confirms is to tell something. */
export function shellOf(
  t: Test,
  cluster: Cluster,
  variables: Readonly<Record<string, string>>,
): Shell {
  const folder = programFolder(t);
  const env = {
    ...cluster.env,
    ...variables,
    FOLDER: join(folder, 'monitoring'),
    PATH: `${folder}:${join(REPOSITORY, 'node_modules', '.bin')}:${cluster.env['PATH']}`,
  };
  return async ({ section, text }) => {
    // The first words of a page tell what is done in the repository; files of the others are the person's.
    const options = { env, cwd: section === '' ? REPOSITORY : folder, timeout: TIMEOUT_MS };
    try {
      const { stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', text], options);
      const told = `${stdout}${stderr}`.trim();
      t.notMatch(told, REFUSED, 'Redis does it: its refusals are no failure of redis-cli');
      if (section === 'How to confirm') t.not(told, '', `it tells something: ${text}`);
      else t.pass(text);
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      t.fail(text, { stdout, stderr });
    }
  };
}

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
  [/ switchover /, 'another master', (before, after) => after.master !== before.master],
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
  const before = await restarts();
  process.kill(container === 'redis' ? redisPid(pod.uid) : agentPid(pod.uid), 'SIGKILL');
  await waitFor(`${container} of ${pod.name} restarted`, async () => (await restarts()) > before, {
    timeoutMs: 60_000,
    everyMs: 250,
  });
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
  if (OF_A_PAUSE.has(name)) {
    const text = `${PROGRAM} pause -n $NS $GROUP --for 10m --reason "a drill"`;
    await shell({ section: '', text, isByHand: false, before: '' });
  }
  const page = runbookPage(name);
  for (const [, container = ''] of page.matchAll(/-c (\S+) --previous/g)) {
    await restartOnce(group, pod, container);
    await group.oneMaster();
  }
  for (const command of commandsOf(page).filter(({ isByHand }) => !isByHand)) {
    if (command.section !== 'What to do') {
      await shell(command);
      continue;
    }
    const before = await lookAt(group);
    await shell(command);
    const effects = EFFECTS.filter(([text]) => text.test(command.text));
    for (const [, what, isDone] of effects) {
      const done = async (): Promise<boolean> => isDone(before, await lookAt(group), pod.name);
      await t.resolves(waitFor(what, done, { timeoutMs: 60_000, everyMs: 250 }), what);
    }
    await group.oneMaster();
  }
}

export async function runbooks(t: Test, group: Group): Promise<void> {
  const storage = JSON.stringify({ allowVolumeExpansion: true });
  await group.kubectl('patch', 'storageclass', 'standard', '-p', storage);
  for (const name of RULE_NAMES.filter((each) => each !== OF_THE_CLUSTER)) {
    await t.test(name, async (t) => await runbook(t, group, name));
  }
}
