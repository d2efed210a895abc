// What an acquisition writes: whom it names as the previous holder, and who may go on.

import t from 'tap';
import type { GroupRecord } from '../../agent/core/model.ts';
import { limbo, pod } from './core-fixtures.ts';
import { candidate, kinds, lease, Rig, writes } from './core-rig.ts';

const pods = [pod(0), pod(1), pod(2)];

/** redis-0 is in limbo, and redis-1, which holds term 2, has been silent for a whole wait. */
function silentHolder(others = pods, record: Partial<GroupRecord> = {}): Rig {
  const rig = Rig.fenced(lease({ term: 2, record }), others);
  rig.effects = [];
  rig.frozen(2, { offset: 50 });
  rig.see(limbo, 4000);
  return rig;
}

await t.test('who acquires from a silent holder names it, and lists no new candidates', (t) => {
  const rig = silentHolder();
  t.same(kinds(rig.effects), ['write-lease']);
  t.equal(rig.state.phase, 'Acquiring');
  t.match(writes(rig.effects), [
    {
      op: 'acquire',
      term: 3,
      record: { previous: { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' } },
    },
  ]);
  t.same(writes(rig.effects)[0]?.record.candidates, [candidate(0), candidate(1)]);
  t.end();
});

await t.test('a holder whose pod is gone, or has no address, is nobody to be fenced', (t) => {
  for (const others of [
    [pod(0), pod(2)],
    [pod(0), pod(1, { ip: null }), pod(2)],
  ]) {
    const [write] = writes(silentHolder(others).effects);
    t.equal(write?.record.previous, null);
  }
  t.end();
});

await t.test('who acquires attaches to nobody beside it', (t) => {
  const rig = Rig.fenced(lease(), pods);
  rig.done(null);
  t.equal(rig.state.phase, 'Fenced');
  rig.effects = [];
  rig.see(limbo, 4000);
  t.same(kinds(rig.effects), ['write-lease']);
  t.equal(rig.state.phase, 'Acquiring');
  t.end();
});

await t.test('the first who acquires lists nobody who may not lead', (t) => {
  const rig = Rig.fenced(null);
  rig.pass(5000, () => {
    rig.frozen(1, { offset: 50, priority: 0 });
    rig.see(limbo);
  });
  t.same(writes(rig.effects)[0]?.record.candidates, [candidate(0)]);
  t.end();
});

await t.test('Acquiring: as long as the write is under way nothing is decided', (t) => {
  const rig = Rig.fenced(lease({ holder: null }));
  rig.pass(2000, () => rig.see(limbo));
  t.equal(rig.state.phase, 'Acquiring');
  t.equal(writes(rig.effects).length, 1);
  t.end();
});
