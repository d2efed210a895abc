// The inequality of the durations (DESIGN 4), at its edge.

import t from 'tap';
import { isolationFault, TIMING_PROFILES, timingFault } from '../../agent/core/lease-clock.ts';

const balanced = TIMING_PROFILES.balanced;

await t.test('validity, fence, one percent of the clocks and a stall end before the wait', (t) => {
  // (2500 + 800) * 1.01 + 200 = 3533, and 3569 * 0.99 = 3533.3
  t.equal(timingFault({ ...balanced, waitMs: 3569 }), null);
  t.match(timingFault({ ...balanced, waitMs: 3568 }), /accept writes 3533 ms .* after 3532 ms$/);
  const equal = { ...balanced, fenceMs: 0, validityMs: 790 / 1.01, waitMs: 1000 };
  t.match(timingFault(equal), /990 ms .* 990 ms/, 'equal is too late');
  t.end();
});

await t.test('isolation needs a wait of four seconds', (t) => {
  t.equal(isolationFault({ ...balanced, waitMs: 4000 }), null);
  t.match(isolationFault({ ...balanced, waitMs: 3999 }), /up to 1950 ms .* after 3999 ms$/);
  t.end();
});
