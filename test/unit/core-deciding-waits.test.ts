// Row of Deciding: whom the holder waits for, whom it does not, and what it never asks for twice.

import t from 'tap';
import type { AgentReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import { candidate, kinds, lease, limboOf, named, Rig, SELF, writes } from './core-rig.ts';

const pods = [pod(0), pod(1), pod(2)];
const isPromoted = (rig: Rig): boolean => kinds(rig.effects).includes('promote');
const pendingWrite = {
  id: 99,
  sentAt: 0,
  write: { ...lease({ holder: SELF, term: 2 }), op: 'renew', reason: '' },
} as const;

await t.test('a holder that is not valid renews at once, whenever it wrote last', (t) => {
  const rig = Rig.nominee();
  rig.state = { ...rig.state, validUntil: 0, renewSentAt: 0, pendingWrite: null, writeFailures: 0 };
  rig.effects = [];
  rig.tick(100);
  t.match(writes(rig.effects), [{ op: 'renew' }]);
  t.end();
});

await t.test('rule 9: the new term is asked for once no write is under way', (t) => {
  const rig = Rig.nominee({ basisMs: 0 });
  rig.state = { ...rig.state, pendingWrite };
  rig.effects = [];
  const lineage = [{ replid: 'aaa', term: 2, start: 0 }];
  const view = { resourceVersion: '13', holder: SELF, term: 2, record: { basisMs: 0, lineage } };
  rig.feed({ kind: 'lease', lease: lease(view) });
  t.same(writes(rig.effects), []);
  rig.feed({ kind: 'lease-written', id: 99, outcome: 'conflict', lease: null });
  rig.tick(200);
  t.match(writes(rig.effects), [{ op: 'acquire', term: 3 }]);
  t.end();
});

await t.test('rule 6: whom the giver judged unlisted, or who is the first, doubts not', (t) => {
  const judged = { decided: true, candidates: [candidate(1), candidate(2)] };
  for (const record of [judged, { decided: true, candidates: [] }, { candidates: [] }]) {
    const rig = Rig.nominee({ basisMs: 0, ...record }, pods);
    rig.pass(600, () => {
      rig.frozen(1);
      rig.see(limbo);
    });
    t.ok(isPromoted(rig), 'though redis-2 was not heard');
  }
  t.end();
});

await t.test('rule 6: in a term that a person forced nobody unheard is waited for', (t) => {
  const promoted = (forcedTerm: number | null): boolean => {
    const rig = Rig.nominee({ basisMs: 0, candidates: [candidate(1), candidate(2)] }, pods);
    rig.state = { ...rig.state, forcedTerm };
    rig.pass(600, () => {
      rig.frozen(1);
      rig.see(limbo);
    });
    return isPromoted(rig);
  };
  t.equal(promoted(2), true);
  t.equal(promoted(1), false, 'that was another term');
  t.end();
});

await t.test('decided: a fresher peer that goes on replicating is not waited for', (t) => {
  const rig = Rig.nominee({ basisMs: 0, decided: true });
  rig.peer(1, { role: 'replica', frozenTerm: null, instance: limboOf(1, { offset: 150 }) });
  t.ok(isPromoted(rig));
  t.end();
});

await t.test('rule 6: who restarted lets go of the Lease while fresher data may come back', (t) => {
  const datasets = {
    'redis-9': { volume: 'pvc/data-redis-9', replid: 'aaa', offset: 9000, keys: 5 },
  };
  const candidates = [{ ...candidate(0), runId: 'before' }, candidate(9)];
  const rig = Rig.nominee({ basisMs: 0, candidates, datasets }, [pod(0)]);
  rig.tick(5);
  t.match(writes(rig.effects), [{ op: 'release', reason: /redis-9 holds fresher data/ }]);
  const listed = Rig.nominee({ basisMs: 0, datasets }, [pod(0)]);
  listed.pass(600, () => listed.see(limbo));
  t.ok(isPromoted(listed), 'a candidate has what was acknowledged');
  t.end();
});

await t.test('a promotion that is under way is not asked for twice', (t) => {
  const rig = Rig.nominee({ basisMs: 0, candidates: [candidate(0)] }, [pod(0)]);
  rig.state = { ...rig.state, phase: 'Deciding', pendingRedis: null };
  rig.effects = [];
  rig.state = { ...rig.state, pendingRedis: { id: 99, kind: 'promote', sentAt: 0 } };
  rig.tick(50);
  t.same(kinds(rig.effects), []);
  t.end();
});

await t.test('a Redis that has its goal and refuses is asked again after a second', (t) => {
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const rig = Rig.nominee({ goal: 100, previous, basisMs: 0 });
  rig.tick();
  t.ok(isPromoted(rig));
  rig.done(null, 10);
  rig.tick(40);
  rig.done(limbo, 50);
  rig.effects = [];
  rig.pass(990, () => rig.see(limbo));
  t.notOk(isPromoted(rig));
  rig.pass(1050, () => rig.see(limbo));
  t.ok(isPromoted(rig));
  t.end();
});

await t.test('the id of the data is not recorded beside a write that is under way', (t) => {
  const rig = Rig.nominee({ basisMs: 0, candidates: [candidate(0)] }, [pod(0)]);
  rig.state = { ...rig.state, pendingWrite };
  rig.see({ ...limbo, replid: 'child', replid2: 'aaa', secondOffset: 50 });
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('a live peer that is not frozen is waited for, however long it is known', (t) => {
  const rig = Rig.fenced(lease({ record: { datasets: {} } }));
  const replica = { role: 'replica', frozenTerm: 1, instance: limboOf(1, { offset: 50 }) } as const;
  rig.pass(2000, () => rig.peer(1, replica));
  rig.state = { ...rig.state, pendingRedis: null, validUntil: 100_000 };
  const record = { basisMs: 2000 };
  const view = lease({ resourceVersion: '12', holder: SELF, term: 2, record });
  const since = rig.now;
  rig.feed({ kind: 'lease', lease: view });
  rig.tick(since + 299);
  t.notOk(isPromoted(rig));
  rig.tick(since + 300);
  t.ok(isPromoted(rig));
  t.end();
});

await t.test('who gives the Lease on says whether it compared everybody', (t) => {
  const begin = (third: Partial<AgentReport>) => {
    const rig = Rig.nominee({ basisMs: 0 }, pods);
    rig.pass(350, () => {
      rig.peer(2, { instance: limboOf(2, { offset: 50 }), ...third });
      rig.frozen(1, { offset: 200 });
    });
    return writes(rig.effects).filter(({ op }) => op === 'transfer');
  };
  t.match(begin({ role: 'limbo', frozenTerm: 2 }), [
    { holder: named(1), record: { decided: true } },
  ]);
  t.match(begin({ role: 'replica', frozenTerm: 1 }), [
    { holder: named(1), record: { decided: false } },
  ]);
  t.end();
});

await t.test('rule 7: nobody but who stopped without a promise is given three seconds', (t) => {
  const isPromotedAfter = (ms: number, report: Partial<AgentReport>): boolean => {
    const rig = Rig.nominee({ basisMs: null, candidates: [candidate(0)] });
    rig.state = { ...rig.state, validUntil: 100_000 };
    rig.pass(ms, () => {
      rig.peer(1, { instance: limboOf(1, { offset: 999 }), ...report });
      rig.see(limbo);
    });
    return isPromoted(rig);
  };
  t.ok(isPromotedAfter(400, { role: 'limbo', frozenTerm: 1 }));
  t.ok(isPromotedAfter(400, { role: 'replica', frozenTerm: null }));
  // Its watch on the Lease broke, as the API server was away.
  const late = { role: 'limbo', frozenTerm: null, state: 'Following' } as const;
  t.notOk(isPromotedAfter(2900, late));
  t.ok(isPromotedAfter(3100, late), 'not for ever');
  t.end();
});

await t.test('Promoting: where no answer is to come it is decided anew, after two seconds', (t) => {
  const begin = (isAsked: boolean): Rig => {
    const rig = Rig.nominee({ basisMs: 0, candidates: [candidate(0)] }, [pod(0)]);
    rig.tick(5);
    t.equal(rig.state.phase, 'Promoting');
    if (!isAsked) rig.state = { ...rig.state, pendingRedis: null };
    rig.tick(rig.state.phaseSince + 2000);
    t.equal(rig.state.phase, 'Promoting');
    rig.tick(rig.state.phaseSince + 2001);
    return rig;
  };
  t.equal(begin(false).state.phase, 'Deciding');
  t.equal(begin(true).state.phase, 'Promoting', 'one that is under way is waited for');
  t.end();
});
