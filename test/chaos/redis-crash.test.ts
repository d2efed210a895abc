// The master's Redis ends while its agent lives (scenarios 1, 4, 5, 22).

import t from 'tap';
import { declarations } from '../harness/declare.ts';
import { oneMaster } from '../harness/one-master.ts';
import { openStage, startScenario, UNREPLICATED_MS } from '../harness/scenario.ts';

t.setTimeout(600_000);
const stage = await openStage(t);
const { scenario: declare } = declarations(t, stage);
/** Bound of a single time, where other work may hold both cores; the median is the measure. */
const BUSY_MACHINE_MS = 4000;

await declare(
  [1],
  "the master's Redis is killed: a replica is master in well under a second",
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    const recoveryMs = await scenario.recovery('Redis killed', mark, 20_000, master);
    t.ok(recoveryMs < BUSY_MACHINE_MS, 'writes are acknowledged again soon');
    const next = await oneMaster(group, { not: master });
    t.equal((await master.replication()).role, 'slave', 'the one that came back is a replica');
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
  },
);

await declare(
  [1],
  'the master is killed five times in a row: each time another takes over, the median within 1 s',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage);
    const began = performance.now();
    let current = master;
    const times: number[] = [];
    for (let round = 1; round <= 5; round++) {
      await scenario.busy();
      const mark = performance.now();
      current.redis.signal('SIGKILL');
      times.push(await scenario.recovery(`kill ${round}`, mark, 20_000, current));
      current = await oneMaster(group, { not: current });
    }
    const [, , medianMs = Number.NaN] = times.sort((left, right) => left - right);
    t.comment(`median ${medianMs.toFixed(0)} ms`);
    t.ok(medianMs < 1000, 'the median is well under a second');
    t.ok(Math.max(...times) < BUSY_MACHINE_MS, 'and none takes long');
    await scenario.end(current, { mayLoseAfterMs: began - UNREPLICATED_MS });
  },
);

await declare([4, 67], 'Redis restarts at once with its data: no two masters', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage, {
    persistence: 'aof',
    restartDelayMs: 0,
  });
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  await scenario.recovery('Redis restarted with data', mark, 20_000);
  const next = await oneMaster(group);
  t.comment(next === master ? 'the same master again' : 'a failover');
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
});

await declare([5], 'Redis restarts at once and empty: the replicas keep their data', async (t) => {
  const { scenario, group, master } = await startScenario(t, stage, {
    persistence: 'none',
    restartDelayMs: 0,
  });
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  await scenario.recovery('Redis restarted empty', mark, 20_000, master);
  const next = await oneMaster(group, { not: master });
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
});

await declare(
  [5],
  'without the boot fence an empty restart does not wipe the replicas either',
  async (t) => {
    const { scenario, group, master } = await startScenario(t, stage, {
      persistence: 'none',
      restartDelayMs: 1000,
      bootFence: false,
    });
    const mark = performance.now();
    master.redis.signal('SIGKILL');
    await scenario.recovery('Redis restarted empty, no boot fence', mark, 20_000, master);
    const next = await oneMaster(group, { not: master });
    // It is born a master and open until its agent has connected: DESIGN 5 says what is weaker.
    await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS, mayOverlap: true });
  },
);

await declare([22], "a group of two fails over when the master's Redis is killed", async (t) => {
  const { scenario, group, master } = await startScenario(t, stage, { size: 2 });
  const mark = performance.now();
  master.redis.signal('SIGKILL');
  const recoveryMs = await scenario.recovery('group of two', mark, 20_000, master);
  t.ok(recoveryMs < BUSY_MACHINE_MS, 'writes are acknowledged again soon');
  const next = await oneMaster(group, { not: master });
  await scenario.end(next, { mayLoseAfterMs: mark - UNREPLICATED_MS });
});
