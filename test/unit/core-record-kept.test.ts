// Whom the holder keeps as a candidate, and which id it leaves behind.

import t from 'tap';
import type { AgentState, Instance } from '../../agent/core/model.ts';
import { hasNewCandidate, lineageToLeave, renewedRecord } from '../../agent/core/record.ts';
import { leaseOf, recordOf } from '../../agent/core/view.ts';
import { pod } from './core-fixtures.ts';
import { candidate, lease, limboOf, master, Rig, SELF, silent, synced } from './core-rig.ts';

const pods = [pod(0), pod(1), pod(2)];
const linked = { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' };

/** Leads with redis-2 in sync; redis-1 is a candidate of before. */
function leading(others = pods): Rig {
  const rig = Rig.leading();
  rig.now += 100;
  rig.feed({ kind: 'pods', pods: others });
  rig.peer(2, { role: 'replica', inSync: true, instance: limboOf(2, linked) });
  return rig;
}

const uids = (state: AgentState): string[] | undefined =>
  renewedRecord(state).candidates?.map(({ uid }) => uid);

await t.test('who is not in sync now stays a candidate until it was silent for 3 s', (t) => {
  const rig = leading();
  synced(rig, { inSync: false });
  const at = rig.now;
  const after = (ms: number): string[] | undefined => {
    rig.now = at + ms;
    rig.peer(2, { role: 'replica', inSync: true, instance: limboOf(2, linked) });
    return uids(rig.state);
  };
  t.same(after(0), ['u0', 'u2', 'u1']);
  t.same(after(3000), ['u0', 'u2', 'u1']);
  t.same(after(3001), ['u0', 'u2']);
  t.end();
});

await t.test('a candidate whose pod has ended is struck off, heard or not', (t) => {
  const rig = leading([pod(0), pod(1, { terminal: true }), pod(2)]);
  synced(rig, { inSync: false });
  t.same(uids(rig.state), ['u0', 'u2']);
  t.end();
});

await t.test('a candidate is new by its pod, and by its process', (t) => {
  const isNew = (candidates: ReturnType<typeof candidate>[]): boolean => {
    const rig = leading();
    const view = leaseOf(rig.state);
    if (view === null) throw new Error('no Lease');
    const record = { ...view.record, candidates };
    const now = { kind: 'present', lease: { ...view, record }, unchangedSince: 0 } as const;
    return hasNewCandidate({ ...rig.state, lease: now });
  };
  const [own, first, second] = [candidate(0), candidate(1), candidate(2)];
  t.equal(isNew([own, first, second]), false);
  t.equal(isNew([own, first]), true);
  t.equal(isNew([own, first, { ...second, runId: 'before' }]), true, 'it restarted');
  t.equal(isNew([own, first, { ...second, uid: 'u9' }]), true, 'another pod had that process');
  t.end();
});

await t.test(
  'only who opened writes in this very term, with this process, renews the list',
  (t) => {
    const { state } = leading();
    const opened = { term: 1, runId: 'run0', replid: 'bbb' };
    const isListed = (changes: Partial<AgentState>): boolean =>
      renewedRecord({ ...state, opened, ...changes }).candidates !== undefined;
    t.equal(isListed({}), true);
    t.equal(isListed({ opened: null }), false);
    t.equal(isListed({ opened: { ...opened, term: 7 } }), false);
    t.equal(isListed({ opened: { ...opened, runId: 'before' } }), false);
    t.equal(isListed({ redis: silent(0, false) }), false);
    const { basisMs, datasets } = renewedRecord({ ...state, opened: null });
    t.equal(basisMs, null, 'valid by its own renewal from now on');
    t.ok(datasets?.['redis-2'], 'and what members hold is told by anybody');
    t.end();
  },
);

await t.test('who leaves a term leaves the id that it opened there, wherever its Redis is', (t) => {
  const term = 3;
  const view = lease({ holder: SELF, term });
  const opened = { term, runId: 'run0', replid: 'bbb' };
  const left = (changes: Partial<AgentState>, last: Instance | null = master) => {
    const rig = Rig.leading();
    const redis = { ...silent(0, true), last } as AgentState['redis'];
    const held = { kind: 'present', lease: view, unchangedSince: 0 } as const;
    return lineageToLeave({ ...rig.state, lease: held, opened, redis, ...changes });
  };
  const before = view.record.lineage;
  t.same(left({}), [...before, { replid: 'bbb', term, start: 101 }]);
  const nothing = [...before, { replid: 'bbb', term, start: 0 }];
  t.same(left({}, null), nothing, 'of which nothing is known');
  t.same(left({}, { ...master, runId: 'again' }), nothing, 'or of another process');
  const seen = { reachable: true, instance: { ...master, secondOffset: 55 }, seenAt: 0 } as const;
  t.match(left({ redis: seen }).at(-1), { replid: 'bbb', start: 55 });
  t.same(left({ redis: null }), nothing);
  t.same(left({ opened: { ...opened, term: 2 } }), before, 'not one of another term');
  t.same(left({ opened: null }), before);
  t.end();
});

await t.test('an id begins where the one before ended, or at its offset where it had none', (t) => {
  const renewed = (changes: Partial<Instance>) => {
    const { state } = leading();
    const instance = { ...master, replid: 'new', ...changes };
    const opened = { term: 1, runId: 'run0', replid: 'new' };
    const redis = { reachable: true, instance, seenAt: 0 } as const;
    return renewedRecord({ ...state, opened, redis }).lineage;
  };
  const known = recordOf(leading().state).lineage;
  t.same(renewed({ replid2: 'aaa' }), [...known, { replid: 'new', term: 1, start: 101 }]);
  const none = '0'.repeat(40);
  const first = renewed({ replid2: none, secondOffset: -1, offset: 77 });
  t.same(first, [...known, { replid: 'new', term: 1, start: 77 }]);
  t.end();
});
