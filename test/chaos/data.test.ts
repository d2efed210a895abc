// Whose data win, and who may be promoted at all (scenarios 24, 25, 26, 27, 33, 37, 67).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { openStage, type Scenario, startScenario } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario } = declarations(t, stage);
const UNREPLICATED_MS = 200;
const BEHIND_MS = 1500;

/** What the master sends to these replicas has not arrived for a while. */
async function fallBehind(scenario: Scenario, master: Pod, pods: readonly Pod[]): Promise<void> {
  for (const pod of pods) await pod.link.loseFrom(master.ip);
  await scenario.busy();
  await holdsFor(BEHIND_MS, () => undefined);
}

/** The one that would win if the data were equal: the oldest, then the smallest name. */
async function favourite(group: Group, master: Pod): Promise<[Pod, Pod]> {
  const states = await Promise.all(
    group
      .others(master)
      .map(async (pod) => ({ pod, start: (await pod.state()).startupTime ?? '' })),
  );
  const [first, second] = states
    .sort((left, right) => (left.start + left.pod.name < right.start + right.pod.name ? -1 : 1))
    .map(({ pod }) => pod);
  return [first as Pod, second as Pod];
}

/** For so long no instance takes the role, and every agent says why. */
async function nobodyLeads(pods: readonly Pod[], durationMs: number): Promise<void> {
  await holdsFor(
    durationMs,
    async () => {
      for (const pod of pods) {
        const { role } = await pod.replication();
        if (role !== 'slave') throw new Error(`${pod.name} is ${role}\n${pod.logTail(30)}`);
      }
    },
    200,
  );
}

await linkScenario(
  [24],
  'replicas at different offsets: the furthest is promoted, though the other is the older one',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [behind, ahead] = await favourite(group, master);
    await fallBehind(scenario, master, [behind]);
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('the furthest is promoted', mark, 20_000, master);
    await behind.link.heal();
    const next = await oneMaster(group, { not: master });
    t.equal(next.name, ahead.name, 'the furthest offset won');
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await linkScenario(
  [25],
  'the furthest replica has replica-priority 0: it is never promoted',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [behind, ahead] = await favourite(group, master);
    await redisCommand(ahead.ip, ahead.access, 'CONFIG', 'SET', 'replica-priority', '0');
    await waitFor('its agent told so', async () => (await ahead.state()).instance?.priority === 0, {
      timeoutMs: 5000,
    });
    await fallBehind(scenario, master, [behind]);
    const mark = performance.now();
    master.redis.hold();
    master.redis.signal('SIGKILL');
    await scenario.recovery('the one behind is promoted', mark, 20_000, master);
    await behind.link.heal();
    const next = await oneMaster(group, { without: [master] });
    t.equal(next.name, behind.name, 'the one with a priority');
    master.redis.release();
    await oneMaster(group);
    await scenario.end(next, { mayLoseAfterMs: mark - BEHIND_MS - 2000 });
  },
);

/** Big values, so that a full sync over a slow link takes its time. */
async function fill(pod: Pod, megabytes: number): Promise<void> {
  await withRedis(
    pod.ip,
    pod.access,
    async (client) => {
      // Not compressible: an RDB file would shrink else.
      const { randomBytes } = await import('node:crypto');
      for (let index = 0; index < megabytes; index++) {
        await client.set(`big:${index}`, randomBytes(1024 * 1024));
      }
    },
    10_000,
  );
}

await linkScenario(
  [26],
  'the only replica is in its first full sync when the master dies: not promoted, data kept',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      size: 1,
      persistence: 'aof',
    });
    await fill(master, 16);
    const place = await stage.network.place();
    await place.link?.slow(2000);
    const replica = await group.create('redis-1', { place });
    await waitFor(
      'the first sync is on its way',
      async () => (await replica.state()).instance?.syncing,
      { timeoutMs: 20_000, picture: () => replica.logTail() },
    );
    await holdsFor(2000, () => undefined);
    master.redis.hold();
    master.redis.signal('SIGKILL');
    await nobodyLeads([replica], 8000);
    const { problem, lastDecision } = await replica.state();
    t.comment(`it says: ${problem}; ${lastDecision?.reason}`);
    t.ok(problem, 'its /state says what it waits for');
    const mark = performance.now();
    await place.link?.unslow();
    master.redis.release();
    await scenario.recovery('the master is back', mark, 20_000);
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    t.equal(next.name, master.name, 'the one with the data');
    await scenario.end(next);
  },
);

await linkScenario(
  [27],
  'all replicas lack more than --max-failover-lag: nobody is promoted, nothing is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      persistence: 'aof',
      agentEnv: { RO_MAX_FAILOVER_LAG: '4000' },
    });
    const others = group.others(master);
    await fallBehind(scenario, master, others);
    // The record learns offsets at renewals, once a second.
    await holdsFor(1000, () => undefined);
    master.redis.hold();
    master.redis.signal('SIGKILL');
    for (const pod of others) await pod.link.heal();
    await nobodyLeads(others, 6000);
    const problems = await Promise.all(others.map(async (pod) => (await pod.state()).problem));
    t.comment(`they say: ${problems.join('; ')}`);
    t.ok(problems.every(Boolean), 'each says why it is not promoted');
    const mark = performance.now();
    master.redis.release();
    await scenario.recovery('the master is back', mark, 20_000);
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    t.equal(next.name, master.name, 'the one that lacks nothing');
    await scenario.end(next);
  },
);

await linkScenario(
  [33],
  'two masters with different data after a cut: the Lease decides, nothing of its holder is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const [stray] = group.others(master) as [Pod];
    // Its agent cannot close it at once.
    stray.agent.hold();
    stray.agent.signal('SIGKILL');
    await stray.link.cut('api', ...group.others(stray).map((pod) => pod.ip));
    await redisCommand(stray.ip, stray.access, 'REPLICAOF', 'NO', 'ONE');
    await withRedis(stray.ip, stray.access, async (client) => {
      for (let index = 0; index < 5000; index++) await client.set(`stray:${index}`, 'x');
    });
    await stray.link.heal();
    stray.agent.release();
    const next = await oneMaster(group);
    t.match(
      stray.logTail(10_000),
      /master that no Lease names|master without holding the Lease/,
      'it is said in the log',
    );
    await scenario.unchanged(master);
    await scenario.end(next, { mayOverlap: true });
  },
);

await declare(
  [37],
  'every instance replicates from a dead address: a master is elected, nothing is lost',
  async (t) => {
    const { scenario, group } = await startScenario(t, stage);
    await scenario.busy();
    for (const pod of group.pods) {
      pod.agent.hold();
      pod.agent.signal('SIGKILL');
    }
    const master = await waitFor(
      'nobody is master',
      async () => {
        for (const pod of group.pods) {
          await redisCommand(pod.ip, pod.access, 'REPLICAOF', '192.0.2.1', '6379');
        }
        return true;
      },
      { timeoutMs: 5000 },
    );
    t.ok(master, 'nobody is master');
    await holdsFor(3000, () => undefined);
    const mark = performance.now();
    for (const pod of group.pods) pod.agent.release();
    await scenario.recovery('all replicated from a dead address', mark, 30_000);
    const next = await oneMaster(group, { timeoutMs: 30_000 });
    await scenario.end(next);
  },
);

/** Redis forgets id and offset when it restarts from an AOF. */
async function crashAll(group: Group): Promise<void> {
  for (const pod of group.pods) {
    pod.redis.signal('SIGKILL');
    pod.agent.signal('SIGKILL');
  }
  await waitFor('all ended', () => group.pods.every((pod) => !pod.redis.process.isRunning), {
    timeoutMs: 5000,
  });
}

await linkScenario(
  [67],
  'all restart from their AOF and the replicas are behind: the master’s data win, none is lost',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { persistence: 'aof' });
    await fallBehind(scenario, master, group.others(master));
    master.redis.setRestartDelay(3000);
    const mark = performance.now();
    await crashAll(group);
    for (const pod of group.pods) await pod.link.heal();
    await scenario.recovery('all restarted, replicas behind', mark, 40_000);
    const next = await oneMaster(group, { timeoutMs: 40_000 });
    t.equal(next.name, master.name, 'the one that was ahead');
    await scenario.end(next);
  },
);

await declare(
  [67],
  'all restart from their AOF and the former master is behind: its successor’s data win',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, { persistence: 'aof' });
    const first = performance.now();
    master.redis.hold();
    master.redis.signal('SIGKILL');
    await scenario.recovery('the first crash', first, 20_000, master);
    const second = await oneMaster(group, { without: [master] });
    await scenario.busy();
    const mark = performance.now();
    second.redis.setRestartDelay(3000);
    master.redis.release();
    await crashAll(group);
    await scenario.recovery('all restarted, the former master behind', mark, 40_000);
    const next = await oneMaster(group, { timeoutMs: 40_000 });
    t.not(next.name, master.name, 'not the former master');
    await scenario.end(next, { mayLoseAfterMs: first - UNREPLICATED_MS });
  },
);
