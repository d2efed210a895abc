// What the simulator found once and was mended: each schedule, as small as it could be made, must
// violate nothing any more.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { scheduleOf } from './schedule.ts';
import { Simulation } from './simulation.ts';

const FOLDER = join(import.meta.dirname, 'found');

for (const file of readdirSync(FOLDER).toSorted()) {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const { found } = JSON.parse(text) as { readonly found: string };
  await t.test(`${file.replace('.json', '')}: ${found}`, async (t) => {
    const { violations } = await new Simulation(scheduleOf(text), false).run();
    t.same(violations, []);
  });
}
