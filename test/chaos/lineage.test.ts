// Data that went apart, a dead upstream, ids that an AOF does not keep (scenarios 33, 37, 67).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { eventOf } from '../harness/events.ts';
import type { Group } from '../harness/group.ts';
import { fallBehind } from '../harness/lag.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { redisCommand, withRedis } from '../harness/redis-client.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare, linkScenario } = declarations(t, stage);

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
    // Whoever is faster fences it: its own agent as it starts, or the leader's, which asks all the time.
    const own = /master that no Lease names|master without holding the Lease/;
    const leaders = new RegExp(`"target":"${stray.name}".*"outcome":"limbo"`);
    const isSaid = own.test(stray.logTail(10_000)) || leaders.test(master.logTail(10_000));
    t.ok(isSaid, 'it is said in the log');
    const { note } = await eventOf(group, 'SplitBrainDetected', `StatefulSet/${group.name}`);
    t.match(note, new RegExp(`${stray.name} was a master beside ${master.name}`));
    const found = group.pods.map(async (pod) => await pod.metric('split_brains_total'));
    t.ok(
      (await Promise.all(found)).some((count) => count > 0),
      'a metric counts it',
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
    for (const pod of group.pods) {
      await redisCommand(pod.ip, pod.access, 'REPLICAOF', '192.0.2.1', '6379');
    }
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
  "all restart from their AOF and the replicas are behind: the master's data win, none is lost",
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
  "all restart from their AOF and the former master is behind: its successor's data win",
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
