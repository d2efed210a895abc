// A crash at a bad moment, clocks that jump, much data (scenarios 39, 71, 72).

import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { declarations } from '../harness/declare.ts';
import { FakeClocks } from '../harness/fake-clock.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { RedisClocks } from '../harness/redis-clock.ts';
import { openRedis, redisCommand, withRedis } from '../harness/redis-client.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';
import { holdsFor, waitFor } from '../harness/wait-for.ts';

t.setTimeout(900_000);
const stage = await openStage(t);
const { scenario: declare, longScenario, unless } = declarations(t, stage);
const clocks = await FakeClocks.open(stage.workspace.directory);
const whyNoClocks = typeof clocks === 'string' ? clocks : undefined;
if (whyNoClocks !== undefined) {
  process.stderr.write(`NO WALL CLOCK CAN BE MOVED HERE: ${whyNoClocks}\n`);
}
const clockScenario = unless(whyNoClocks);

const redisClocks = await RedisClocks.open(stage.workspace.directory);
const whyNoRedisClocks = typeof redisClocks === 'string' ? redisClocks : undefined;
if (whyNoRedisClocks !== undefined) {
  process.stderr.write(`NO WALL CLOCK OF REDIS CAN BE MOVED HERE: ${whyNoRedisClocks}\n`);
}
const redisClockScenario = unless(whyNoRedisClocks);

/** Bound where other work may hold both cores; on an idle machine it is a tenth. */
const BUSY_MACHINE_MS = 4000;

/** The master's Redis is killed while the API server, or the way to it, is in this trouble. */
async function killedIn(
  t: Test,
  what: string,
  trouble: (group: Group, master: Pod) => Promise<void>,
): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, { apiProxy: true });
  await trouble(group, master);
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery(what, mark, 30_000, master);
  t.ok(recoveryMs < BUSY_MACHINE_MS, 'writes are acknowledged again soon');
  for (const pod of group.pods) pod.api.calm();
  const next = await oneMaster(group, { not: master });
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
}

await declare([71], 'the master crashes while its renewal is under way', async (t) => {
  await killedIn(t, 'a renewal under way', async (_, master) => {
    const slow = master.api.order({
      verbs: ['update'],
      resource: 'leases',
      behaviour: { delayMs: 300 },
      times: 1,
    });
    await waitFor('a renewal is under way', () => slow.hits === 1, { timeoutMs: 5000, everyMs: 1 });
  });
});

await declare([71], 'the master crashes and its renewal gets no answer', async (t) => {
  await killedIn(t, 'a renewal without an answer', async (_, master) => {
    const lost = master.api.order({
      verbs: ['update'],
      resource: 'leases',
      behaviour: 'swallow',
      times: 1,
    });
    await waitFor('a renewal is lost', () => lost.hits === 1, { timeoutMs: 5000, everyMs: 1 });
  });
});

await declare([71], 'the master crashes while all watches on the Lease break', async (t) => {
  await killedIn(t, 'broken watches', async (group) => {
    for (const { api } of group.pods) {
      api.order({ verbs: ['watch'], resource: 'leases', behaviour: 'reset' });
      api.breakWatches('leases');
    }
    await holdsFor(500, () => undefined);
  });
});

await declare([71], 'the master crashes while all watches on the Lease are silent', async (t) => {
  await killedIn(t, 'silent watches', async (group) => {
    for (const { api } of group.pods) api.mute('leases');
  });
});

type Clocks = {
  readonly what: string;
  readonly start: Parameters<typeof startScenario>[2];
  readonly set: (pod: Pod, seconds: number) => void;
  /** Seconds that the clock of the pod stands beside ours. */
  readonly moved: (pod: Pod, group: Group) => Promise<number>;
};

/** Of the master and of one replica the clock jumps to and fro, and stays apart while the master is killed. */
async function clocksJump(t: Test, { what, start, set, moved }: Clocks): Promise<void> {
  const { scenario, group, master } = await startScenario(t, stage, start);
  const [replica] = group.others(master) as [Pod];
  const mark = performance.now();
  for (const pod of [master, replica]) {
    for (const seconds of [300, -300]) {
      set(pod, seconds);
      await holdsFor(1500, () => undefined);
      const shown = await moved(pod, group);
      t.ok(Math.abs(shown - seconds) < 5, `the ${what} of ${pod.name} jumped ${seconds} s`);
      await holdsFor(1500, () => undefined);
    }
  }
  await oneMaster(group);
  t.ok(scenario.writer.largestGapMs(mark) < 1000, 'writes went on');
  await scenario.unchanged(master);
  // And with clocks that are five minutes apart a failover takes no longer.
  set(master, 300);
  const killed = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery(`clocks of ${what} apart`, killed, 20_000, master);
  t.ok(recoveryMs < BUSY_MACHINE_MS, 'a failover is as fast as ever');
  const next = await oneMaster(group, { not: master });
  await scenario.end(next, { mayLoseAfterMs: killed - UNREPLICATED_MS });
}

await clockScenario(
  [39],
  'the wall clock of one agent jumps by five minutes, to and fro: no effect on any role',
  async (t) => {
    if (typeof clocks === 'string') throw new Error(clocks);
    await clocksJump(t, {
      what: 'agent',
      start: { agentEnvOf: (name) => clocks.env(name) },
      set: ({ name }, seconds) => clocks.set(name, seconds),
      moved: async (pod) => (Date.parse((await pod.state()).lastSeen ?? '') - Date.now()) / 1000,
    });
  },
);

await redisClockScenario(
  [39],
  'the wall clock of one Redis jumps by five minutes, to and fro: no effect on any role',
  async (t) => {
    if (typeof redisClocks === 'string') throw new Error(redisClocks);
    await clocksJump(t, {
      what: 'Redis',
      start: { redisEnvOf: (name) => redisClocks.env(name) },
      set: ({ name }, seconds) => redisClocks.set(name, seconds),
      moved: async (pod, group) => {
        const [shown] = (await redisCommand(pod.ip, group.access, 'TIME')) as [string];
        return Number(shown) - Date.now() / 1000;
      },
    });
  },
);

await longScenario(
  [72],
  'a master with 2 GB is killed: counted from the kill and the close',
  async (t) => {
    const megabytes = Number(process.env['RO_CHAOS_BIG_MB'] ?? '2048');
    const { scenario, group, master } = await startScenario(t, stage, { persistence: 'none' });
    await withRedis(
      master.ip,
      master.access,
      async (client) => {
        for (let index = 0; index < megabytes; index++) {
          await client.set(`big:${index}`, randomBytes(1024 * 1024));
          // The replicas follow a stream, not a snapshot after an overflow.
          if (index % 16 === 0) await client.call('WAIT', '2', '5000');
        }
      },
      30_000,
    );
    await oneMaster(group, { timeoutMs: 120_000 });
    const used = String(await redisCommand(master.ip, master.access, 'INFO', 'memory'));
    t.comment(`the master uses ${/used_memory_human:(\S+)/.exec(used)?.[1]}`);
    const watcher = openRedis(master.ip, master.access);
    await watcher.connect();
    let closedAt = Number.NaN;
    watcher.once('close', () => (closedAt = performance.now()));
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    const recoveryMs = await scenario.recovery('counted from the kill', mark, 30_000, master);
    const closeMs = closedAt - mark;
    t.comment(
      `its sockets closed ${closeMs.toFixed(0)} ms after the kill,`,
      `so ${(recoveryMs - closeMs).toFixed(0)} ms from the close to the first acknowledged write`,
    );
    t.ok(recoveryMs - closeMs < BUSY_MACHINE_MS, 'writes are acknowledged again soon');
    const next = await oneMaster(group, { not: master, timeoutMs: 120_000 });
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);
