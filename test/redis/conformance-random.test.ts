// Random steps on the model of Redis and on real servers: the same picture after each.
// RO_SEED and RO_RUNS choose others than the usual ones.

import t from 'tap';
import { agree } from '../conformance/compare.ts';
import { randomScript } from '../conformance/random-script.ts';
import { targets } from '../conformance/targets.ts';

const FIRST = Number(process.env['RO_SEED'] ?? 1);
const RUNS = Number(process.env['RO_RUNS'] ?? 12);

const scripts = Array.from({ length: RUNS }, (_, index) => randomScript(FIRST + index));

for (const target of targets()) {
  await t.test(`random steps on the model and on ${target.text}`, async (t) => {
    await agree(t, target, scripts, [1]);
  });
}
