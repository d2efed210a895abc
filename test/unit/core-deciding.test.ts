// Row of Deciding: what the holder proves before it promotes, and to whom it gives the Lease instead.

import t from 'tap';
import type { GroupRecord, LeaseWrite } from '../../agent/core/model.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { SELF, candidate, named, lease, limboOf, Rig, silent, writes, kinds } from './core-rig.ts';

await t.test('rule 2: after a swap that gave the Lease away only a renewal decides', (t) => {
  const rig = Rig.nominee();
  rig.frozen(1, { offset: 200 });
  t.match(writes(rig.effects).at(-1), { op: 'renew' });
  rig.written('ok', 10);
  rig.tick(20);
  t.match(writes(rig.effects).at(-1), { op: 'transfer' });
  rig.written('timeout', 30);
  rig.frozen(1, { offset: 50 });
  rig.tick(100);
  t.notOk(kinds(rig.effects).includes('promote'), 'it may have been done');
  rig.tick(200);
  t.match(writes(rig.effects).at(-1), { op: 'renew', resourceVersion: '13' });
  rig.written('ok', 210);
  rig.tick(220);
  t.ok(kinds(rig.effects).includes('promote'), 'now it cannot be any more');
  t.end();
});

await t.test('rule 2: a newer version decides an unknown swap; rule 18: so does no Lease', (t) => {
  const begin = (): Rig => {
    const rig = Rig.nominee({ basisMs: 0 });
    rig.frozen(1, { offset: 200 });
    rig.written('timeout', 10);
    t.equal(rig.state.unsure, true);
    return rig;
  };
  const read = begin();
  read.feed({ kind: 'lease', lease: lease({ resourceVersion: '13', holder: SELF, term: 2 }) });
  t.equal(read.state.unsure, false);
  const same = begin();
  same.feed({ kind: 'lease', lease: lease({ resourceVersion: '12', holder: SELF, term: 2 }) });
  t.equal(same.state.unsure, true, 'the version that it was based on tells nothing');
  const absent = begin();
  absent.feed({ kind: 'lease', lease: null });
  t.equal(absent.state.unsure, false);
  t.equal(absent.state.phase, 'Fencing');
  t.end();
});

await t.test('rule 9: an id of this term is recorded: a new term comes first', (t) => {
  const rig = Rig.nominee({ lineage: [{ replid: 'aaa', term: 2, start: 0 }] });
  rig.frozen(1);
  t.notOk(kinds(rig.effects).includes('promote'));
  t.match(writes(rig.effects), [{ op: 'acquire', term: 3, holder: SELF, resourceVersion: '12' }]);
  t.end();
});

await t.test('Deciding: another holder, or a later term on a stream, fences', (t) => {
  const other = Rig.nominee();
  other.feed({ kind: 'lease', lease: lease({ resourceVersion: '13', term: 3 }) });
  t.equal(other.state.phase, 'Fencing');
  const later = Rig.nominee();
  later.peer(1, { term: 3 });
  t.equal(later.state.phase, 'Fencing');
  t.end();
});

await t.test('a holder whose validity ended does not promote', (t) => {
  const rig = Rig.nominee({ decided: true });
  rig.state = { ...rig.state, validUntil: 0 };
  rig.frozen(1);
  rig.tick(300);
  t.match(kinds(rig.effects), ['write-lease']);
  t.match(writes(rig.effects), [{ op: 'renew' }]);
  rig.written('ok', 310);
  rig.tick(320);
  t.equal(kinds(rig.effects).at(-1), 'promote', 'but once it has renewed');
  t.end();
});

await t.test('Deciding: a Lease that cannot be renewed for a whole validity fences', (t) => {
  const rig = Rig.nominee();
  rig.state = { ...rig.state, validUntil: 0 };
  rig.tick(config.timing.validityMs);
  t.equal(rig.state.phase, 'Deciding');
  rig.tick(config.timing.validityMs + 1);
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('Deciding: who is not eligible for 300 ms names the best, else releases', (t) => {
  const begin = (look: (rig: Rig) => void): Rig => {
    const rig = Rig.nominee({ basisMs: 0 });
    rig.see({ ...limbo, priority: 0 });
    rig.effects = [];
    rig.pass(299, () => {
      look(rig);
      rig.see({ ...limbo, priority: 0 });
    });
    t.same(writes(rig.effects), []);
    rig.see({ ...limbo, priority: 0 }, 300);
    return rig;
  };
  const named1 = begin((rig) => rig.frozen(1));
  const record = { goal: null, decided: false };
  const reason = 'redis-0 may not be master: its replica-priority is 0';
  t.match(writes(named1.effects), [{ op: 'transfer', holder: named(1), term: 3, record, reason }]);
  const alone = begin(() => undefined);
  t.match(writes(alone.effects), [{ op: 'release', holder: null, term: 2 }]);
  t.end();
});

await t.test('Deciding: a Redis that falls silent for a moment is not given up for it', (t) => {
  const SILENT_SINCE = 200;
  /** When it gives the Lease away: one tick in each 10 ms; redis-1 is there, and does not freeze. */
  const givenAt = (refused: boolean): number => {
    const rig = Rig.nominee({ basisMs: 0 });
    const look = (): void => {
      rig.peer(1, { role: 'replica', instance: limboOf(1, { linkUp: true }) });
      if (rig.state.pendingWrite?.write.op === 'renew') rig.written('ok');
    };
    rig.see(limbo);
    rig.pass(SILENT_SINCE, look);
    rig.feed({ kind: 'redis', redis: silent(SILENT_SINCE, refused) });
    while (rig.now < 3000 && writes(rig.effects).at(-1)?.op !== 'transfer') {
      rig.tick(rig.now + 10);
      look();
    }
    return rig.now;
  };
  t.equal(givenAt(true), 300, 'who is gone is given up after the 300 ms of this phase');
  t.equal(givenAt(false), SILENT_SINCE + config.redisTimeoutMs, 'its data may be the freshest');
  t.end();
});

await t.test('rule 6: who restarted, or is not listed, promotes once all were heard', (t) => {
  const pods = [pod(0), pod(1), pod(2)];
  for (const record of [
    { candidates: [candidate(1), candidate(2)] },
    { candidates: [{ ...candidate(0), runId: 'before' }, candidate(2)] },
    // What the giver judged is not there any more.
    { candidates: [{ ...candidate(0), runId: 'before' }, candidate(2)], decided: true },
  ]) {
    const rig = Rig.nominee({ basisMs: 0, ...record }, pods);
    const look = (): void => {
      rig.frozen(1);
      rig.see(limbo);
      if (writes(rig.effects).at(-1)?.op === 'renew') rig.written('ok');
    };
    rig.pass(2950, look);
    t.notOk(kinds(rig.effects).includes('promote'), 'redis-2 was not heard');
    rig.pass(3100, look);
    t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: named(1) });
  }
  const heard = Rig.nominee({ basisMs: 0, candidates: [candidate(1), candidate(2)] }, pods);
  heard.frozen(1);
  heard.frozen(2);
  t.ok(kinds(heard.effects).includes('promote'));
  t.end();
});

await t.test('a frozen, eligible peer with fresher data gets the Lease', (t) => {
  const rig = Rig.nominee({ basisMs: 0 });
  rig.effects = [];
  rig.frozen(1, { offset: 101 });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'transfer', holder: named(1), term: 3, record: { decided: true } });
  const refuser = Rig.nominee({ basisMs: 0 });
  refuser.frozen(1, { offset: 101, priority: 0 });
  t.ok(kinds(refuser.effects).includes('promote'), 'not one that may not lead');
  t.end();
});

await t.test('decided is said only where every candidate that is there was heard', (t) => {
  const pods = [pod(0), pod(1), pod(2)];
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const begin = (): Rig => Rig.nominee({ basisMs: 0, candidates }, pods);
  const unheard = begin();
  unheard.frozen(1, { offset: 101 });
  unheard.pass(400, () => unheard.frozen(1, { offset: 101 }));
  t.match(writes(unheard.effects).at(-1), { holder: named(1), record: { decided: false } });
  const heard = begin();
  heard.frozen(2);
  heard.frozen(1, { offset: 101 });
  t.match(writes(heard.effects).at(-1), { holder: named(1), record: { decided: true } });
  const gone = begin();
  gone.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  gone.pass(400, () => gone.frozen(1, { offset: 101 }));
  t.match(writes(gone.effects).at(-1), { holder: named(1), record: { decided: true } });
  t.end();
});

await t.test('a live peer that is not frozen is waited for, 300 ms', (t) => {
  const rig = Rig.nominee({ basisMs: 0 });
  const look = (): void => {
    rig.peer(1, { role: 'replica', frozenTerm: 1, instance: limboOf(1, { offset: 500 }) });
  };
  rig.pass(299, look);
  t.notOk(kinds(rig.effects).includes('promote'));
  rig.pass(300, look);
  t.ok(kinds(rig.effects).includes('promote'), 'an offset of an earlier term is not compared');
  t.end();
});

await t.test('a peer that comes back later has its 300 ms from then', (t) => {
  const rig = Rig.nominee({ basisMs: null, candidates: [candidate(0)] });
  const comesBack = (): void => {
    rig.peer(1, { role: 'replica', frozenTerm: 1, instance: limboOf(1, { offset: 500 }) });
  };
  rig.state = { ...rig.state, now: 2000, renewSentAt: 2000 };
  rig.now = 2000;
  comesBack();
  rig.tick(2299);
  t.notOk(kinds(rig.effects).includes('promote'), 'it has not stopped yet');
  rig.frozen(1, { offset: 999 });
  t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: named(1) });
  t.end();
});

await t.test(
  'rule 7: fresher data of an agent that starts are waited for, three seconds long',
  (t) => {
    const beside = (offset: number, untilMs: number): Rig => {
      const rig = Rig.nominee({ basisMs: null, candidates: [candidate(0)] });
      rig.pass(untilMs, () => {
        rig.peer(1, { role: 'limbo', frozenTerm: null, instance: limboOf(1, { offset }) });
        rig.see(limbo);
      });
      return rig;
    };
    const waits = beside(999, 2900);
    t.notOk(kinds(waits.effects).includes('promote'));
    waits.frozen(1, { offset: 999 });
    t.notOk(kinds(waits.effects).includes('promote'), 'it is handed over to once it stopped');
    t.ok(kinds(beside(999, 3050).effects).includes('promote'), 'no longer');
    t.ok(kinds(beside(1, 350).effects).includes('promote'), '300 ms where they are no fresher');
    t.end();
  },
);

await t.test(
  'rule 6: an agent younger than 1 s waits 300 ms for candidates that it has not heard',
  (t) => {
    const begin = (bootedAt: number, changes: Partial<GroupRecord> = {}): Rig => {
      const rig = Rig.fenced(lease({ record: { datasets: {} } }));
      rig.effects = [];
      rig.state = { ...rig.state, pendingRedis: null, validUntil: 100_000, bootedAt };
      const view = lease({
        resourceVersion: '12',
        holder: SELF,
        term: 2,
        record: { basisMs: 0, ...changes },
      });
      rig.feed({ kind: 'lease', lease: view });
      rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null });
      rig.tick(250);
      return rig;
    };
    const isPromoted = (rig: Rig): boolean => kinds(rig.effects).includes('promote');
    const young = begin(-999);
    t.notOk(isPromoted(young));
    young.tick(300);
    t.ok(isPromoted(young), 'and no longer');
    t.ok(isPromoted(begin(-1000)), 'an older agent would have heard it');
    t.ok(isPromoted(begin(-999, { candidates: [candidate(0)] })), 'nobody else is a candidate');
    t.ok(isPromoted(begin(-999, { decided: true })), 'the giver compared');
    t.end();
  },
);

await t.test('rule 7: what a member without agent has more is told, and not waited for', (t) => {
  const begin = (offset: number): Rig => {
    const rig = Rig.nominee({ basisMs: 0 });
    const instance = { ...limbo, runId: 'run1', offset };
    rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance });
    rig.tick(300);
    t.ok(kinds(rig.effects).includes('promote'));
    return rig;
  };
  t.match(begin(150).state.reason, /at offset 100; redis-1, whose agent .* is at 150$/);
  t.match(begin(100).state.reason, /at offset 100$/);
  t.end();
});

await t.test('a master by hand is fenced while deciding', (t) => {
  const rig = Rig.nominee({ basisMs: 0 });
  rig.effects = [];
  rig.see({ ...limbo, role: 'master', upstream: null });
  t.match(rig.effects, [{ kind: 'limbo', cutClients: true }]);
  t.equal(rig.state.phase, 'Deciding');
  t.end();
});

await t.test('rule 10: who leaves a term in which it asked for no promotion says so', (t) => {
  const history = [
    { term: 1, holder: 'redis-1', reason: '', at: '' },
    { term: 2, holder: 'redis-0', reason: '', at: '' },
  ];
  const marks = (write: LeaseWrite | undefined): unknown =>
    write?.record.history.map(({ term, unopened }) => [term, unopened]);
  const rig = Rig.nominee({ history });
  rig.tick();
  const [renewal] = writes(rig.effects);
  t.equal(renewal?.op, 'renew');
  const unmarked = [
    [1, undefined],
    [2, undefined],
  ];
  t.same(marks(renewal), unmarked, 'it may open writes in it still');
  rig.written('ok');
  rig.frozen(1, { offset: 999 });
  const left = writes(rig.effects).at(-1);
  t.equal(left?.op, 'transfer');
  t.same(marks(left), [
    [1, undefined],
    [2, true],
    [3, undefined],
  ]);

  const asked = Rig.nominee({ history });
  asked.tick();
  asked.written('ok');
  asked.state = { ...asked.state, promotedIn: 2 };
  asked.frozen(1, { offset: 999 });
  const unsure = writes(asked.effects).at(-1);
  t.same(marks(unsure), [...unmarked, [3, undefined]], 'asked, so it may have led');
  t.end();
});

await t.test('an agent without a pod list gives the Lease away after 1 s', (t) => {
  const rig = new Rig();
  rig.see(limbo);
  rig.tick(2000);
  t.equal(rig.state.phase, 'Fenced', 'the API server was silent');
  rig.frozen(1);
  const view = lease({ holder: SELF, term: 2, record: { basisMs: 2000 } });
  rig.feed({ kind: 'lease', lease: view });
  rig.pass(2950, () => rig.frozen(1));
  t.notOk(kinds(rig.effects).includes('promote'), 'nobody was fenced or compared');
  t.notOk(writes(rig.effects).some(({ op }) => op === 'transfer'));
  rig.written('ok');
  rig.pass(3050, () => rig.frozen(1));
  t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: named(1), term: 3 });
  t.end();
});
