// When silence of an instance is told.

import t from 'tap';
import { Reachability } from '../../agent/redis/reachability.ts';
import { limbo } from './core-fixtures.ts';

await t.test('silence counts from the last answer, not from the look that misses it', (t) => {
  const seen = new Reachability(0);
  seen.after(limbo, 1000);
  t.equal(seen.silenceDueMs(1250, 1000), 750);
  t.equal(seen.silenceDueMs(1100, 1000), 900);
  t.match(seen.after({ refused: false, detail: 'late' }, 2000), { reachable: false, since: 1000 });
  t.end();
});

await t.test('who slept itself gives an answer three quarters of the time at least', (t) => {
  const seen = new Reachability(0);
  seen.after(limbo, 1000);
  t.equal(seen.silenceDueMs(9000, 1000), 750);
  t.end();
});

await t.test('a closed socket counts from when it was seen', (t) => {
  const seen = new Reachability(0);
  seen.after(limbo, 1000);
  t.match(seen.after({ refused: true, detail: 'ECONNREFUSED' }, 1500), { since: 1500 });
  t.end();
});
