// Who is who: addresses that changed hands, hidden or blocked ones, forged requests, two versions of
// the agent, commands that are denied (scenarios 38, 53, 54, 55, 58, 59).

import t from 'tap';
import { request } from 'undici';
import { declarations } from '../harness/declare.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import { LATER_PROTOCOL, laterAgent } from '../harness/later-agent.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openRedis, redisCommand } from '../harness/redis-client.ts';
import { emptyGroup, openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';
import { Writer } from '../harness/writer.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario } = declarations(t, stage);

await linkScenario(
  [38],
  "the dead master's address now belongs to another group: that one is left alone",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const other = await emptyGroup(t, stage, { name: 'other' });
    const mark = performance.now();
    // Its pod object stays, with the address.
    await master.powerCut();
    await scenario.probe.leave(master);
    const place = await stage.network.place(master.ip);
    const newcomer = await other.create('other-0', { place });
    const writer = new Writer({ access: other.access, route: () => newcomer.ip, prefix: 'other' });
    t.teardown(async () => await writer.stop());
    // Until then whatever answered there was not the old master.
    await scenario.recovery('its address was reused', mark, 20_000, master);
    await oneMaster(group, { without: [master] });
    await oneMaster(other, { timeoutMs: 20_000 });
    const first = await writer.firstAfter(performance.now(), 10_000);
    await holdsFor(3000, () => undefined);
    t.ok(writer.largestGapMs(first.atMs) < 1000, 'its writes go on');
    await writer.stop();
    t.equal((await writer.lost(newcomer.ip)).length, 0, 'its data are untouched');
    t.equal((await other.lease())?.term, 1, 'and it never lost its role');
    for (const pod of group.others(master)) {
      const stray = await redisCommand(pod.ip, pod.access, 'EXISTS', 'other:0');
      t.equal(stray, 0, `${pod.name} has none of them`);
    }
    await newcomer.powerOff();
    const next = await oneMaster(group, { without: [master] });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [38],
  "a group's master gets the address of another group's dead pod: it is not fenced by that one",
  async (t) => {
    const other = await emptyGroup(t, stage, { name: 'other' });
    const { scenario, group, master } = await startScenario(t, stage);
    const [replica] = group.others(master) as [Pod];
    await replica.powerCut();
    await scenario.probe.leave(replica);
    const newcomer = await other.create('other-0', {
      place: await stage.network.place(replica.ip),
    });
    await oneMaster(other, { timeoutMs: 20_000 });
    const writer = new Writer({ access: other.access, route: () => newcomer.ip, prefix: 'other' });
    t.teardown(async () => await writer.stop());
    await writer.firstAfter(performance.now(), 10_000);
    const mark = performance.now();
    // A promotion fences whatever is not known to be no master.
    master.redis.signal('SIGKILL');
    await scenario.recovery('Redis killed', mark, 20_000, master);
    await holdsFor(3000, () => undefined);
    const gapMs = writer.largestGapMs(mark);
    t.comment(`longest pause of the other group's writer ${gapMs.toFixed(0)} ms`);
    t.ok(gapMs < 1500, "the other group's writes go on");
    await writer.stop();
    t.equal((await writer.lost(newcomer.ip)).length, 0, 'its data are untouched');
    t.equal((await other.lease())?.term, 1, 'and it never lost its role');
    await newcomer.powerOff();
    const next = await oneMaster(group, { without: [replica], not: master });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

const ADMIN = { user: 'person', password: 'the-persons-own' } as const;

/** What the agents' user, the default one, may not do; and a person who may do all. */
const rights = (rules: string): readonly string[] => [
  ...`--user default on nopass ~* &* +@all ${rules}`.split(' '),
  ...`--user ${ADMIN.user} on >${ADMIN.password} ~* &* +@all`.split(' '),
];

async function saysDenied(group: Group, pattern: RegExp): Promise<void> {
  for (const pod of group.pods) {
    await waitFor(
      `${pod.name} says it`,
      async () => pattern.test((await pod.state()).problem ?? ''),
      { timeoutMs: 10_000, picture: () => pod.logTail() },
    );
  }
}

await declare(
  [53],
  'CONFIG is denied: said at once with its cost and the ACL rule; once granted, a master',
  async (t) => {
    const group = await emptyGroup(t, stage, { redisArgs: rights('-config'), clients: ADMIN });
    await group.scaleUp(2);
    const remedy =
      /COMMAND_DENIED: .* CONFIG GET, CONFIG SET: .*SETUSER default \+config\|get \+config\|set/;
    await saysDenied(group, remedy);
    await holdsFor(8000, async () => {
      const lease = await group.lease();
      if (lease !== undefined) throw new Error(`${lease.podName} holds the Lease`);
    });
    for (const pod of group.pods) {
      const get = async (name: string): Promise<unknown> =>
        await redisCommand(pod.ip, ADMIN, 'CONFIG', 'GET', name);
      t.same(await get('repl-diskless-sync-delay'), ['repl-diskless-sync-delay', '5'], 'unset');
      t.same(await get('min-replicas-to-write'), ['min-replicas-to-write', '0'], 'no guard');
      t.equal((await pod.replication()).masterHost, '127.0.0.1', 'as it started');
      t.equal(await pod.isReady(), false, 'the next pod of a roll is not touched');
    }
    for (const pod of group.pods) {
      await redisCommand(
        pod.ip,
        ADMIN,
        ...('ACL SETUSER default +config|get +config|set'.split(' ') as [string]),
      );
    }
    const master = await oneMaster(group);
    t.equal((await master.state()).problem, null);
  },
);

await declare(
  [53],
  'REPLICAOF is denied beside masters that serve: they are left as they are, not fenced by half',
  async (t) => {
    const redisArgs = rights('-replicaof');
    const group = await emptyGroup(t, stage, { redisArgs, clients: ADMIN, bootFence: false });
    await group.scaleUp(1);
    const [pod] = group.pods as [Pod];
    await saysDenied(group, /COMMAND_DENIED: .* REPLICAOF: .*left as it is.*\+replicaof/);
    const before = await pod.replication();
    const client = openRedis(pod.ip, ADMIN);
    await client.connect();
    await holdsFor(6000, async () => void (await client.incr('writes')));
    client.disconnect();
    const { role, replid, runId } = await pod.replication();
    t.same({ role, replid, runId }, { role: 'master', replid: before.replid, runId: before.runId });
    t.equal(await group.lease(), undefined);
    t.same(
      [...(await group.labels())].filter(([, label]) => label === 'master'),
      [],
    );
  },
);

await declare(
  [54],
  'replicas appear under a false address, as behind a mesh: failover as ever',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      redisArgs: ['--replica-announce-ip', '127.0.0.6'],
    });
    const shown = await redisCommand(master.ip, master.access, 'INFO', 'replication');
    t.match(String(shown), /slave0:ip=127\.0\.0\.6/, 'the master shows the false address');
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('behind a mesh', mark, 20_000, master);
    const next = await oneMaster(group, { not: master });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [55],
  "the agents' port is blocked between pods: failover by Redis and Lease alone",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    for (const pod of group.pods) await pod.link.blockPort(AGENT_PORT);
    const blocked = performance.now();
    await holdsFor(6000, () => undefined);
    t.ok(scenario.writer.largestGapMs(blocked) < 1000, 'writes went on');
    await scenario.unchanged(master);
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery("the agents' port is blocked", mark, 30_000);
    await holdsFor(3000, () => undefined);
    for (const pod of group.pods) await pod.link.heal();
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare(
  [58],
  'two agent versions during a roll: one master throughout, failover in a mixed group',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const program = await laterAgent(stage.workspace.directory);
    const mark = performance.now();
    const [first, second] = group.others(master) as [Pod, Pod];
    const replace = async (pod: Pod): Promise<void> => {
      pod.program = program;
      pod.agent.signal('SIGTERM');
      await waitFor(
        'the later agent answers',
        async () => (await pod.state()).protocol === LATER_PROTOCOL,
        {
          timeoutMs: 20_000,
          picture: () => pod.logTail(),
        },
      );
    };
    await replace(first);
    await oneMaster(group);
    await replace(master);
    const mixed = await oneMaster(group);
    // A busy machine may need longer for the master's agent than the wait of the Lease.
    const isSame = mixed === master;
    t.comment(isSame ? 'no change of role' : 'its agent was not back in time: a failover');
    t.ok(scenario.probe.reigns().length <= 2, 'at most one change of role');
    const killed = performance.now();
    mixed.redis.signal('SIGKILL');
    await scenario.recovery('a mixed group', killed, 20_000, mixed);
    await oneMaster(group, { not: mixed });
    await replace(second);
    const next = await oneMaster(group, { not: mixed });
    await scenario.end(next, { mayLoseAfterMs: (isSame ? killed : mark) - UNREPLICATED_MS });
  },
);

await declare([59], 'forged requests to an agent change nothing', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage);
  const report = await master.state();
  const forged = JSON.stringify({ ...report, term: report.term + 50, isMaster: false });
  const mark = performance.now();
  for (const pod of group.pods) {
    const base = `http://${pod.ip}:${AGENT_PORT}`;
    for (const path of ['/state', '/state?watch=true', '/prestop', '/promote', '/']) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        const headers = { 'content-type': 'application/json' };
        const answer = await request(`${base}${path}`, { method, headers, body: forged });
        await answer.body.dump();
        if (answer.statusCode < 400) t.fail(`${method} ${path}: ${answer.statusCode}`);
      }
    }
    const answer = await request(`${base}/prestop`);
    t.match(await answer.body.text(), /does not end/, 'a forged preStop is refused');
    t.match(pod.logTail(10_000), /preStop was asked for/, 'and logged');
  }
  await holdsFor(3000, () => undefined);
  t.ok(scenario.writer.largestGapMs(mark) < 500, 'no pause');
  await oneMaster(group);
  await scenario.unchanged(master);
  await scenario.end(master);
});
