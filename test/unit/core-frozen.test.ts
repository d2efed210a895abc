// What a fenced member promises of its offset, and what confirms that it is fenced.

import t from 'tap';
import { limbo, pod } from './core-fixtures.ts';
import { kinds, lease, Rig, SELF, silent, synced, writes } from './core-rig.ts';

const held = (changes: Parameters<typeof lease>[0] = {}) =>
  lease({ resourceVersion: '11', holder: SELF, term: 2, ...changes });

await t.test(
  'Fencing: what Redis shows while a role command is under way confirms nothing',
  (t) => {
    const rig = Rig.leading();
    synced(rig, { term: 9 });
    rig.tick(rig.now + 1);
    t.equal(rig.state.pendingRedis?.kind, 'limbo');
    rig.see(limbo);
    t.equal(rig.state.phase, 'Fencing');
    rig.done(limbo);
    t.equal(rig.state.phase, 'Fenced');
    t.end();
  },
);

await t.test('Fencing: in time it ends with the reason and the problem that it began with', (t) => {
  const rig = Rig.leading();
  synced(rig, { term: 9 });
  rig.state = { ...rig.state, problem: 'another', reason: 'why it began' };
  rig.tick(rig.now + 1);
  rig.done(limbo);
  t.equal(rig.state.phase, 'Fenced');
  t.match(rig.state, { reason: 'why it began', problem: 'another' });
  t.end();
});

await t.test('rule 23: no offset is promised while an attachment is under way', (t) => {
  const rig = Rig.fenced(lease());
  t.equal(rig.state.pendingRedis?.kind, 'attach');
  rig.see(limbo, 10);
  t.equal(rig.state.frozenTerm, null);
  t.end();
});

await t.test('a promise for a term stands, though nobody tells of that term any more', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.peer(1, { term: 7 });
  t.equal(rig.state.frozenTerm, 7);
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.see(limbo);
  t.equal(rig.state.frozenTerm, 7);
  t.end();
});

await t.test('rule 9: who acquires a later term promises its offset for the one it saw', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.peer(1, { term: 7 });
  rig.state = { ...rig.state, frozenTerm: 3 };
  rig.feed({ kind: 'lease', lease: held() });
  t.equal(rig.state.phase, 'Acquiring');
  t.equal(rig.state.frozenTerm, 7);
  t.end();
});

await t.test('rule 9: not where its Redis is not in limbo, or about to leave it', (t) => {
  const replica = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true };
  for (const instance of [replica, limbo]) {
    const rig = Rig.fenced(lease());
    if (instance === replica) rig.done(replica);
    t.equal(rig.state.frozenTerm, null);
    rig.state = { ...rig.state, phase: 'Fenced' };
    const view = held();
    rig.state = { ...rig.state, lease: { kind: 'present', lease: view, unchangedSince: 0 } };
    rig.peer(1, { term: 7 });
    t.equal(rig.state.phase, 'Acquiring');
    t.equal(rig.state.frozenTerm, null);
  }
  t.end();
});

await t.test('rule 9: nor where it does not answer', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.peer(1, { term: 7 });
  rig.state = { ...rig.state, redis: silent(0, false), frozenTerm: null };
  rig.feed({ kind: 'lease', lease: held() });
  t.match(rig.state, { phase: 'Acquiring', frozenTerm: null });
  t.end();
});

await t.test('rule 9: the later term begins undecided, after any write that is under way', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.peer(1, { term: 7 });
  const pending = { id: 99, sentAt: 0, write: { ...held(), op: 'renew', reason: '' } } as const;
  rig.state = { ...rig.state, pendingWrite: pending };
  const record = { decided: true, basisMs: 5, goal: 90 };
  rig.feed({ kind: 'lease', lease: held({ record }) });
  t.same(writes(rig.effects), []);
  rig.feed({ kind: 'lease-written', id: 99, outcome: 'error', lease: null });
  rig.tick(1000);
  const undecided = { goal: null, decided: false, basisMs: null };
  t.match(writes(rig.effects), [{ op: 'acquire', term: 8, record: undecided }]);
  t.end();
});

await t.test('rule 21: without the report that named it a holder is not valid', (t) => {
  const rig = Rig.fenced(lease());
  rig.feed({ kind: 'lease', lease: held({ record: { basisMs: null } }) }, 10);
  t.equal(rig.state.phase, 'Deciding');
  t.notOk(rig.state.validUntil > rig.now);
  t.end();
});

await t.test('Fenced: while limbo is under way nothing is attached', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.see({ ...limbo, role: 'master', upstream: null });
  t.same(kinds(rig.effects), ['limbo']);
  const lineage = [{ replid: 'aaa', term: 2, start: 0 }];
  rig.feed({ kind: 'redis', redis: { reachable: true, instance: limbo, seenAt: 0 } });
  rig.feed({
    kind: 'lease',
    lease: lease({ resourceVersion: '12', term: 2, record: { lineage } }),
  });
  t.equal(rig.state.phase, 'Fenced');
  rig.done(limbo);
  t.equal(rig.state.phase, 'Following');
  t.end();
});
