// A seed replays bit for bit, so that what was found once can be looked at.

import t from 'tap';
import { endOf } from './faults.ts';
import { scheduleFrom } from './schedule.ts';
import { Simulation } from './simulation.ts';

const SEEDS = 100_000;
/** A schedule is minutes of simulated time at most. */
const END_MAX_MS = 120_000;

await t.test('the same seed gives the same trace', async (t) => {
  for (const seed of [1, 2, 3, 77, 4711, 2 ** 31 - 1]) {
    const first = await new Simulation(scheduleFrom(seed), true).run();
    const second = await new Simulation(scheduleFrom(seed), true).run();
    t.same(second, first, `seed ${seed}`);
    t.ok(first.trace.length > 10);
    const untraced = await new Simulation(scheduleFrom(seed), false).run();
    t.equal(untraced.events, first.events, 'also without a trace');
  }
});

await t.test('other seeds give other schedules', (t) => {
  t.notSame(scheduleFrom(1), scheduleFrom(2));
  t.end();
});

await t.test('every schedule comes to an end', (t) => {
  const latest = { seed: -1, endMs: 0 };
  for (let seed = 0; seed < SEEDS; seed++) {
    for (const fault of scheduleFrom(seed).faults) {
      const endMs = endOf(fault);
      if (!(endMs <= latest.endMs)) Object.assign(latest, { seed, endMs });
    }
  }
  t.ok(
    latest.endMs < END_MAX_MS,
    `the latest end of a fault: ${latest.endMs} ms, seed ${latest.seed}`,
  );
  t.end();
});
