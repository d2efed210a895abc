// What the simulator found once and was mended: each schedule, as small as it could be made, must
// violate nothing any more.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Schedule } from './schedule.ts';
import { Simulation } from './simulation.ts';

type Found = { readonly found: string; readonly schedule: Schedule };

const FOLDER = join(import.meta.dirname, 'found');

for (const file of readdirSync(FOLDER).toSorted()) {
  const { found, schedule } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Found;
  await t.test(`${file.replace('.json', '')}: ${found}`, async (t) => {
    const { violations } = await new Simulation(schedule, false).run();
    t.same(violations, []);
  });
}
