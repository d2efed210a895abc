// The command line against a living group, with the rights that we ship and no more: what is seen, a switchover
// under load, one that is refused, two that are undone, a pause that holds, and every example of --help.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { COMMANDS } from '../../cli/help.ts';
import type { World } from '../../cli/live/context.ts';
import { world } from '../../cli/live/terminal.ts';
import { run } from '../../cli/run.ts';
import { requestLeaseName, ROLE_LABEL } from '../../src/names.ts';
import type { GroupView } from '../../src/group-view.ts';
import type { Group, GroupOptions } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import {
  type Called,
  call,
  createPerson,
  type Person,
  rulesOf,
  without,
} from '../harness/people.ts';
import type { Pod } from '../harness/pod.ts';
import { programPath, REPOSITORY } from '../harness/programs.ts';
import { withRedis } from '../harness/redis-client.ts';
import { openStage, startScenario } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
// The API server's proxy refuses loopback addresses: no pod has one.
const skip = stage.network.whyNoLinks ?? false;

/** With the Service that its clients would use: without one the group is not healthy. */
async function startGroup(t: Test, options: GroupOptions = {}) {
  const started = await startScenario(t, stage, {
    ...options,
    agentEnv: { RO_SYNC_INTERVAL: '1s', ...options.agentEnv },
  });
  const { group } = started;
  await group.admin.create(`/api/v1/namespaces/${group.account.namespace}/services`, {
    metadata: { name: 'redis' },
    spec: { selector: { app: 'redis', [ROLE_LABEL]: 'master' }, ports: [{ port: 6379 }] },
  });
  return started;
}

async function viewerOf(group: Group): Promise<Person> {
  return await createPerson(
    stage.controlPlane,
    group.account.namespace,
    'viewer',
    rulesOf('viewer'),
  );
}

async function operatorOf(group: Group): Promise<Person> {
  const { namespace } = group.account;
  return await createPerson(stage.controlPlane, namespace, 'olga', rulesOf('operator'));
}

function other(group: Group, master: Pod): Pod {
  const [pod] = group.others(master);
  if (pod === undefined) throw new Error('the group has no replica');
  return pod;
}

async function healthy({ kubeconfig }: Person): Promise<Called> {
  let last: Called | undefined;
  return await waitFor(
    'the group is healthy',
    async () => {
      last = await call(kubeconfig, ['status', 'redis']);
      return last.code === 0 && last;
    },
    { timeoutMs: 20_000, picture: () => JSON.stringify(last) },
  );
}

await t.test('the viewer sees all of it, and is told which verb asks', { skip }, async (t) => {
  const { scenario, group, master } = await startGroup(t);
  const viewer = await viewerOf(group);
  const { stdout } = await healthy(viewer);
  t.comment(stdout);
  t.match(stdout, /\/redis +HEALTHY, failover possible\n/);
  t.match(stdout, new RegExp(`lease   held by ${master.name}, renewed \\d`));
  t.match(stdout, new RegExp(`${master.name}  master   writable .*\n.*streaming .* 1st `));
  const json = await call(viewer.kubeconfig, ['status', 'redis', '-o', 'json']);
  const view = JSON.parse(json.stdout) as GroupView;
  const own = (await master.state()).view;
  const face = ({ members }: GroupView) =>
    Object.fromEntries(members.map(({ pod, role, address, node }) => [pod, [role, address, node]]));
  t.same(face(view), face(own), "as the master's agent shows it");
  t.same([view.master, view.history], [own.master, own.history]);
  t.match(await call(viewer.kubeconfig, ['history', 'redis']), { code: 0, stdout: /^TERM/ });
  const told = await waitFor(
    'the Event of the election',
    async () => {
      const events = await call(viewer.kubeconfig, ['events', 'redis']);
      return /MasterElected/.test(events.stdout) && events;
    },
    { timeoutMs: 10_000 },
  );
  t.match(told, { code: 0, stdout: /MasterElected {2,}StatefulSet\/redis/ });
  const asked = await call(viewer.kubeconfig, ['switchover', 'redis', '--yes']);
  t.match(asked, {
    code: 1,
    stdout: /× you may not (patch|create) leases\/redis-orchestrator\.request\.redis/,
  });
  t.match(await call(viewer.kubeconfig, ['pause', 'redis', '--for', '1h']), {
    code: 1,
    stderr: /you may not (patch|create) leases\/redis-orchestrator\.request\.redis/,
  });
  const kubectl = [programPath('kubectl'), 'redis-orchestrator'];
  const plugin = await call(viewer.kubeconfig, ['status', 'redis'], { program: kubectl });
  t.match(plugin, { code: 0, stdout: /HEALTHY/ });
  const help = await call(viewer.kubeconfig, ['--help'], { program: kubectl });
  t.match(help.stdout, /^kubectl redis-orchestrator \d/);
  await scenario.end(master);
});

await t.test('each verb that is missing is named, and the rest is shown', { skip }, async (t) => {
  const { scenario, group, master } = await startGroup(t);
  const { namespace } = group.account;
  const viewer = await viewerOf(group);
  await healthy(viewer);
  const rules = rulesOf('viewer');
  const lacking = async (
    verb: string,
    resource: string,
    args: readonly string[],
  ): Promise<Called> => {
    const name = `no-${verb}-${resource.replace('/', '-')}-${args[0]}`;
    const person = await createPerson(
      stage.controlPlane,
      namespace,
      name,
      without(rules, verb, resource),
    );
    return await call(person.kubeconfig, args);
  };
  const blind = await lacking('get', 'pods/proxy', ['status', 'redis']);
  t.equal(blind.code, 1);
  t.match(
    blind.stdout,
    `UNKNOWN, no agent could be asked: you may not get pods/proxy in namespace ${namespace}`,
  );
  t.match(blind.stdout, `lease   held by ${master.name}`, 'the Lease is shown');
  const leaseless = await lacking('get', 'leases', ['status', 'redis']);
  t.equal(leaseless.code, 0, 'the agents tell of the Lease');
  t.match(leaseless.stdout, `? not seen: you may not get leases in namespace ${namespace}`);
  const podless = await lacking('list', 'pods', ['status', 'redis']);
  t.match(podless.stdout, `not seen: you may not list pods in namespace ${namespace}`);
  t.match(await lacking('get', 'leases', ['history', 'redis']), {
    code: 1,
    stderr: `you may not get leases in namespace ${namespace}\n`,
  });
  t.match(await lacking('list', 'events', ['events', 'redis']), {
    code: 1,
    stdout: /Term1 /,
    stderr: `not looked at: you may not list events in namespace ${namespace}\n`,
  });
  const all = await call(viewer.kubeconfig, ['status', '-A']);
  t.match(all, { code: 1, stderr: /you may not list leases in all namespaces/ });
  await scenario.end(master);
});

await t.test('a switchover under load: 0 lost, and the pause is printed', { skip }, async (t) => {
  const { scenario, group, master } = await startGroup(t);
  const operator = await operatorOf(group);
  await healthy(operator);
  const target = other(group, master);
  const mark = performance.now();
  const done = await call(operator.kubeconfig, [
    'switchover',
    'redis',
    '--to',
    target.name,
    '--yes',
  ]);
  t.comment(done.stdout + done.stderr);
  t.equal(done.code, 0, done.stderr);
  t.match(
    done.stdout,
    new RegExp(
      `√ ${target.name} leads since term \\d+; writes paused for \\d+ ms; no write was lost`,
    ),
  );
  await scenario.writer.firstAfter(mark, 5000, master.ip);
  const after = await oneMaster(group, { not: master });
  t.equal(after.name, target.name);
  t.comment(`the writer saw a pause of ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
  const history = await call(operator.kubeconfig, ['history', 'redis', '--limit', '1']);
  t.match(history.stdout, new RegExp(`${target.name} .*asked for by .*olga`));
  await scenario.end(after);
});

await t.test('a switchover to a replica that lags is refused, exit 5', { skip }, async (t) => {
  const { scenario, group, master } = await startGroup(t);
  const operator = await operatorOf(group);
  await healthy(operator);
  const target = other(group, master);
  target.redis.signal('SIGSTOP');
  await withRedis(master.ip, group.access, async (redis) => {
    const [piece, pieces] = ['x'.repeat(2 ** 20), 6];
    for (let count = 0; count < pieces; count++) await redis.set(`large:${count}`, piece);
  });
  const isSeen = async (): Promise<boolean> => ((await master.state()).offset ?? 0) > 6 * 2 ** 20;
  await waitFor("the master's agent has seen them", isSeen, { timeoutMs: 5000 });
  const mark = performance.now();
  const refused = await call(operator.kubeconfig, [
    'switchover',
    'redis',
    '--to',
    target.name,
    '--yes',
  ]);
  t.comment(refused.stdout + refused.stderr);
  t.equal(refused.code, 5);
  t.match(
    refused.stdout + refused.stderr,
    new RegExp(`${target.name} cannot take over: |refused by the master`),
  );
  target.redis.signal('SIGCONT');
  await scenario.busy();
  t.comment(`the longest gap between writes: ${scenario.writer.largestGapMs(mark).toFixed(0)} ms`);
  await scenario.unchanged(master);
  await scenario.end(await oneMaster(group));
});

/** In this process, so that something can happen between the question and the request. */
async function asked(
  { kubeconfig }: Person,
  args: readonly string[],
  before: () => void,
): Promise<Called> {
  const texts = { stdout: '', stderr: '' };
  const real = world();
  const told: World = {
    ...real,
    interruption: () => new AbortController().signal,
    console: {
      ...real.console,
      write: (text) => void (texts.stdout += text),
      note: (line) => void (texts.stderr += `${line}\n`),
      ask: async () => {
        before();
        return 'y';
      },
    },
  };
  const words = [...args, '--kubeconfig', kubeconfig];
  const noFile = async (): Promise<never> => await Promise.reject(new Error('no file'));
  const host = { program: 'redis-orchestrator', world: told };
  const { code, stderr } = await run(words, {}, noFile, host);
  return { code, stdout: texts.stdout, stderr: texts.stderr + stderr };
}

await t.test(
  'the master gives no answer in time: withdrawn, exit 6, nothing follows',
  { skip },
  async (t) => {
    // The agent stands still until the command line has given up, and is still valid then: with balanced timing it
    // would have to fence itself whenever its last renewal is a second old (validity 2.5 s).
    const agentEnv = { RO_TIMING_PROFILE: 'calm' };
    const { scenario, group, master } = await startGroup(t, { agentEnv });
    const operator = await operatorOf(group);
    await healthy(operator);
    const target = other(group, master);
    const args = ['switchover', 'redis', '--to', target.name, '--wait', '300ms'];
    const undone = await asked(operator, args, () => {
      master.agent.signal('SIGSTOP');
      setTimeout(() => master.agent.signal('SIGCONT'), 1500);
    });
    t.comment(undone.stdout + undone.stderr);
    t.equal(undone.code, 6);
    t.match(undone.stderr, /no answer within 300ms\nundone: the request is withdrawn\n/);
    const path = `/apis/coordination.k8s.io/v1/namespaces/${group.account.namespace}/leases/${requestLeaseName('redis')}`;
    const lease = await group.admin.get<{ metadata: { annotations?: unknown } }>(path);
    t.same(lease.metadata.annotations, undefined, 'nothing is asked any more');
    await holdsFor(3000, async () => {
      const holder = (await group.lease())?.podName;
      if (holder !== master.name) throw new Error(`${holder} holds the Lease`);
    });
    await scenario.unchanged(master);
    await scenario.end(await oneMaster(group));
  },
);

await t.test(
  'the successor freezes at that moment: undone by the agents, exit 6',
  { skip },
  async (t) => {
    const { scenario, group, master } = await startGroup(t);
    const operator = await operatorOf(group);
    await healthy(operator);
    const target = other(group, master);
    const args = ['switchover', 'redis', '--to', target.name];
    const undone = await asked(operator, args, () => target.redis.signal('SIGSTOP'));
    t.comment(undone.stdout + undone.stderr);
    t.equal(undone.code, 6);
    t.match(undone.stderr, /undone: /);
    t.match(undone.stderr, new RegExp(`${master.name} leads, term \\d+|no master was seen`));
    target.redis.signal('SIGCONT');
    const after = await oneMaster(group);
    t.equal(after.name, master.name, 'the old master');
    await scenario.end(after);
  },
);

await t.test(
  'a pause: the master is killed and nobody follows; resume: somebody does',
  { skip },
  async (t) => {
    const { scenario, group, master } = await startGroup(t, { restartDelayMs: 60_000 });
    const operator = await operatorOf(group);
    await healthy(operator);
    const args = ['pause', 'redis', '--for', '10m', '--reason', 'disks are moved'];
    const paused = await call(operator.kubeconfig, args);
    t.comment(paused.stdout + paused.stderr);
    t.equal(paused.code, 0);
    t.match(
      paused.stdout,
      /failover is paused until .* \(10m\) by .*olga: disks are moved\n.*3 of 3 agents/,
    );
    const shown = await call(operator.kubeconfig, ['status', 'redis']);
    t.match(shown, { code: 3, stdout: /paused {2}by .*olga until .* left\): disks are moved/ });
    const mark = performance.now();
    const term = (await group.lease())?.term;
    master.redis.signal('SIGKILL');
    await holdsFor(8000, async () => {
      const now = await group.lease();
      if (now?.term !== term) throw new Error(`${now?.podName} took term ${now?.term}`);
      for (const pod of group.others(master)) {
        if ((await pod.state()).isMaster) throw new Error(`${pod.name} is master`);
      }
    });
    t.match(await call(operator.kubeconfig, ['status', 'redis']), { code: 4, stdout: /no master/ });
    const resumed = await call(operator.kubeconfig, ['resume', 'redis']);
    t.comment(resumed.stdout + resumed.stderr);
    t.equal(resumed.code, 0);
    await scenario.writer.firstAfter(mark, 20_000, master.ip);
    const after = await oneMaster(group, { not: master, without: [master], timeoutMs: 20_000 });
    t.pass(`${after.name} leads`);
    await scenario.end(after, { mayLoseAfterMs: mark - 200 });
  },
);

await t.test('the examples of --help run as they stand', { skip }, async (t) => {
  const { scenario, group, master } = await startGroup(t);
  const { namespace } = group.account;
  await stage.controlPlane.admin.create('/api/v1/namespaces', { metadata: { name: 'shop' } });
  // check looks at what every `view` may see; -A needs the viewer's rights in all namespaces.
  const verbs = ['get', 'list'];
  const rules = [
    ...rulesOf('viewer'),
    { apiGroups: [''], resources: ['services', 'namespaces'], verbs },
    { apiGroups: ['apps'], resources: ['statefulsets', 'deployments'], verbs },
  ];
  const person = await createPerson(stage.controlPlane, namespace, 'all', rulesOf('operator'));
  await stage.controlPlane.admin.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'all' },
    rules,
  });
  const rbac = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await stage.controlPlane.admin.create(rbac, {
    metadata: { name: 'all' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'all' },
    subjects: [{ kind: 'ServiceAccount', name: 'all', namespace }],
  });
  await healthy(person);
  const lists = Object.values(COMMANDS).map(({ examples }) => examples);
  for (const example of lists.flat().filter((each) => !/-f |completion/.test(each))) {
    const words = example.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    if (words[0] === 'switchover') await healthy(person);
    const isThere = words.includes('redis-1') && (await oneMaster(group)).name === 'redis-1';
    const called = await call(
      person.kubeconfig,
      words,
      words.includes('-w') || words[0] === 'ui' ? { endAfterMs: 2500 } : {},
    );
    // The groups of tests that ended are there, too; to install, or to see all of it, takes other rights.
    const others: Record<string, readonly number[]> = {
      'status -A': [0, 3, 4],
      'check -A': [0, 1, 3, 4],
      'check --pre': [4],
      'check --installation': [1, 3, 4],
    };
    const codes = others[example] ?? [isThere ? 5 : 0];
    t.ok(codes.includes(called.code ?? -1), `${example}: ${called.code} ${called.stderr}`);
  }
  await scenario.end(await oneMaster(group));
  t.ok(master.name);
});

await t.test('the bundle is one file, with nothing beside it', async (t) => {
  const text = readFileSync(join(REPOSITORY, 'dist/redis-orchestrator.mjs'), 'utf8');
  const directory = t.testdir({ 'redis-orchestrator.mjs': text });
  const alone = join(directory, 'redis-orchestrator.mjs');
  const { code, stdout } = await call('/nonexistent', ['--version'], {
    program: [process.execPath, alone],
  });
  t.match({ code, stdout }, { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
});
