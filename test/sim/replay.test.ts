// A seed replays bit for bit, so that what was found once can be looked at.

import t from 'tap';
import { scheduleFrom } from './schedule.ts';
import { Simulation } from './simulation.ts';

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
