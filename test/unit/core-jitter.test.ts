// Agents that failed together try again apart, and each of them always in the same way.

import t from 'tap';
import { jitterOf, spread } from '../../agent/core/jitter.ts';

const ids = Array.from({ length: 100 }, (_, n) => `agent-${n}`);
const shares = ids.flatMap((id) => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => jitterOf(id, n)));

await t.test('the share of an agent and a try is always the same, from 0 to below 1', (t) => {
  t.ok(shares.every((share) => share >= 0 && share < 1));
  t.equal(jitterOf('agent-7', 3), jitterOf('agent-7', 3));
  t.equal(new Set(shares).size, 1000, 'and of no two the same');
  t.end();
});

await t.test('shares are spread evenly, and those of neighbours as well', (t) => {
  for (let tenth = 0; tenth < 10; tenth++) {
    const within = shares.filter((share) => Math.floor(share * 10) === tenth).length;
    t.ok(within > 70 && within < 130, `${within} of 1000`);
  }
  const steps = ids.map((id) => Math.abs(jitterOf(id, 1) - jitterOf(id, 2)));
  t.ok(steps.reduce((sum, step) => sum + step, 0) / steps.length > 0.2);
  t.end();
});

await t.test('a pause is between a half and the whole', (t) => {
  t.equal(spread(1000, 0), 500);
  t.equal(spread(1000, 0.5), 750);
  t.ok(spread(1000, 0.999) < 1000);
  t.end();
});
