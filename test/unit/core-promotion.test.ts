// Rows of Deciding and Promoting: the guarded promotion, its second check, and what follows a failure.

import t from 'tap';
import type { GroupRecord, LeaseWrite } from '../../agent/core/model.ts';
import { selfMember } from '../../agent/core/view.ts';
import { limbo, pod } from './core-fixtures.ts';
import {
  SELF,
  master,
  candidate,
  named,
  lease,
  Rig,
  writtenLease,
  writes,
  kinds,
} from './core-rig.ts';

/** Decides alone: whatever else it waits for is over. */
function lone(record: Partial<GroupRecord> = {}): Rig {
  const rig = Rig.nominee({ basisMs: 0, candidates: [candidate(0)], ...record }, [pod(0)]);
  rig.effects = [];
  return rig;
}

await t.test('a promotion is of the process that was compared, and ends with the validity', (t) => {
  const rig = lone();
  rig.tick(5);
  t.match(rig.effects, [{ kind: 'promote', runId: limbo.runId, until: rig.state.validUntil }]);
  t.equal(rig.state.phase, 'Promoting');
  t.end();
});

await t.test('the id of the data is recorded before they are promoted', (t) => {
  const rig = lone();
  rig.see({ ...limbo, replid: 'child', replid2: 'aaa', secondOffset: 50 });
  t.same(kinds(rig.effects), ['write-lease']);
  const [write] = writes(rig.effects);
  t.match(write, { op: 'renew', term: 2 });
  t.same(write?.record.lineage, [
    { replid: 'child', term: 0, start: 49.5 },
    { replid: 'aaa', term: 1, start: 0 },
  ]);
  rig.written('ok', 10);
  rig.tick(20);
  t.equal(kinds(rig.effects).at(-1), 'promote');
  t.end();
});

await t.test('writes are opened after a second look at validity and holder', (t) => {
  const open = lone();
  open.tick(5);
  open.done(master, 10);
  t.equal(kinds(open.effects).at(-1), 'open');
  open.done(master, 20);
  t.equal(open.state.phase, 'Leading');
  t.match(open.state.opened, { term: 2, runId: master.runId, replid: master.replid });
  const late = lone();
  late.tick(5);
  late.done(master, late.state.validUntil);
  t.notOk(kinds(late.effects).includes('open'), 'the answer came too late');
  t.equal(late.state.phase, 'Fencing');
  t.end();
});

await t.test('Promoting: another holder, no Lease, a later term or no validity fences', (t) => {
  const events = [
    (rig: Rig) => rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '13', term: 3 }) }),
    (rig: Rig) => rig.feed({ kind: 'lease', lease: null }),
    (rig: Rig) => rig.peer(1, { term: 3 }),
    (rig: Rig) => rig.tick(rig.state.validUntil),
  ];
  for (const happens of events) {
    const rig = lone();
    rig.tick(5);
    happens(rig);
    t.equal(rig.state.phase, 'Fencing');
    rig.done(master);
    t.notOk(kinds(rig.effects).includes('open'));
  }
  t.end();
});

await t.test('an attachment that failed does not delay the promotion', (t) => {
  const rig = Rig.fenced(lease({ holder: SELF, term: 2 }));
  rig.state = { ...rig.state, validUntil: 10_000, renewSentAt: 0 };
  rig.state = { ...rig.state, pendingRedis: { id: 99, kind: 'attach', sentAt: 0 } };
  const result = { ok: false, refused: true, detail: 'connect ECONNREFUSED' } as const;
  rig.feed({ kind: 'redis-done', id: 99, result }, 10);
  rig.peer(1, { agentId: 'p1', role: 'unknown', refused: true });
  rig.feed({ kind: 'tick' }, 20);
  rig.feed({ kind: 'tick' }, 40);
  t.ok(kinds(rig.effects).includes('promote'), 'within 40 ms');
  t.end();
});

/** Promotes, is refused, and goes on with a willing API server; the times of its promotions. */
function refused(untilMs: number, refusals: number): readonly number[] {
  const rig = lone();
  const promotions: number[] = [];
  rig.tick(5);
  for (; rig.now < untilMs; rig.now += 100) {
    for (const effect of rig.effects.splice(0)) {
      if (effect.kind === 'write-lease') {
        const written = { id: effect.id, lease: writtenLease(effect.write) };
        rig.feed({ kind: 'lease-written', outcome: 'ok', ...written });
      } else if (effect.kind === 'promote') {
        promotions.push(rig.now);
        rig.done(promotions.length > refusals ? master : null);
      } else if (effect.kind === 'open') rig.done(master);
      else if (effect.kind === 'limbo') rig.done(limbo);
    }
    rig.see(rig.state.phase === 'Leading' ? master : limbo);
  }
  return promotions;
}

await t.test('a failed promotion delays the next one, and never bars it', (t) => {
  const times = refused(200_000, 7);
  t.equal(times.length, 8, 'it is asked again until it is carried out');
  const gaps = times.slice(1).map((at, n) => at - (times[n] ?? 0));
  t.ok(
    gaps.every((gap) => gap >= 1000),
    'never in a loop',
  );
  t.ok((gaps[3] ?? 0) > (gaps[0] ?? 0), 'with a growing pause');
  t.ok(Math.max(...gaps) < 70_000, 'which has an end');
  t.end();
});

await t.test('a Redis that refused its promotion lets others lead first', (t) => {
  const rig = Rig.nominee({ basisMs: 0 });
  rig.frozen(1, { offset: 50 });
  rig.done(null, 10);
  rig.done(limbo, 20);
  rig.effects = [];
  rig.pass(1400, () => {
    rig.frozen(1, { offset: 50 });
    rig.see(limbo);
    if (writes(rig.effects).at(-1)?.op === 'renew') rig.written('ok');
  });
  t.notOk(kinds(rig.effects).includes('promote'));
  t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: named(1) });
  t.end();
});

await t.test(
  'a promotion without an answer is asked again: this Redis may have the freshest data',
  (t) => {
    const rig = Rig.nominee({ basisMs: 0 });
    const lost = { ok: false, refused: false, detail: 'Connection is closed.' } as const;
    const promotions: number[] = [];
    const given = (): LeaseWrite | undefined =>
      writes(rig.effects).find(({ op }) => op === 'transfer' || op === 'release');
    while (rig.now < 6000 && given() === undefined) {
      rig.frozen(1, { offset: 50 });
      rig.see(limbo, rig.now + 20);
      const { pendingRedis, pendingWrite } = rig.state;
      if (pendingRedis?.kind === 'promote') {
        promotions.push(rig.now);
        rig.feed({ kind: 'redis-done', id: pendingRedis.id, result: lost });
      } else if (pendingRedis !== null) rig.done(limbo);
      if (pendingWrite?.write.op === 'renew') rig.written('ok');
    }
    const gaps = promotions.slice(1).map((at, n) => at - (promotions[n] ?? 0));
    t.equal(promotions.length, 3, 'three times');
    t.ok(
      gaps.every((gap) => gap >= 100 && gap <= 200),
      `and soon: ${gaps.join(', ')} ms`,
    );
    t.match(given(), { op: 'transfer', holder: named(1) }, 'then another leads');
    t.end();
  },
);

await t.test('a new Redis process is not barred by what an earlier one refused', (t) => {
  const rig = lone();
  rig.tick(5);
  rig.done(null, 10);
  t.equal(selfMember(rig.state)?.priority, 0);
  rig.see({ ...limbo, runId: 'run0-again' }, 20);
  t.equal(selfMember(rig.state)?.priority, limbo.priority);
  t.end();
});
