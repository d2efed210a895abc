// Whose data win, and who may be promoted at all (scenarios 24, 25, 26, 27).

import { randomBytes } from 'node:crypto';
import t from 'tap';
import { declarations } from '../harness/declare.ts';
import type { Group } from '../harness/group.ts';
import { BEHIND_MS, fallBehind } from '../harness/lag.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { linkScenario } = declarations(t, stage);

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
        // Over a slow link it may not answer in time.
        const { role } = await pod.replication().catch(() => ({ role: 'unknown' }));
        if (role === 'master') throw new Error(`${pod.name} is ${role}\n${pod.logTail(30)}`);
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
