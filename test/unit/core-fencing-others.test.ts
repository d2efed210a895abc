// Rule 8: whom a holder puts into limbo before it promotes, and as long as it leads.

import t from 'tap';
import type { GroupRecord } from '../../agent/core/model.ts';
import type { AgentReport } from '../../src/wire.ts';
import { pod } from './core-fixtures.ts';
import {
  SELF,
  master,
  candidate,
  lease,
  limboOf,
  Rig,
  writtenLease,
  synced,
  kinds,
  targets,
} from './core-rig.ts';

await t.test('before NO ONE every instance not known to be no master is fenced', (t) => {
  const rig = Rig.fenced(lease({ holder: SELF, term: 2 }));
  rig.state = { ...rig.state, validUntil: 10_000, renewSentAt: 0 };
  rig.feed({ kind: 'tick' }, 10);
  rig.feed({ kind: 'tick' }, 20);
  const seen = kinds(rig.effects);
  t.ok(seen.includes('fence-remote'));
  t.notOk(seen.includes('promote'));
  t.end();
});

await t.test('rule 8: an instance that does not answer is waited for 200 ms', (t) => {
  const rig = Rig.nominee({ basisMs: 0, decided: true });
  rig.tick(10);
  t.match(targets(rig.effects), [{ uid: 'u1', address: '10.0.0.1', runId: null }]);
  rig.tick(209);
  t.notOk(kinds(rig.effects).includes('promote'));
  rig.tick(210);
  t.ok(kinds(rig.effects).includes('promote'));
  const answered = Rig.nominee({ basisMs: 0, decided: true });
  answered.tick(10);
  answered.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null }, 20);
  t.ok(kinds(answered.effects).includes('promote'), 'and not where it answered');
  t.end();
});

await t.test('rule 8: a replica, one in limbo or one that is gone needs no fence', (t) => {
  const harmless = [
    { role: 'replica', instance: limboOf(1) },
    { role: 'limbo', instance: limboOf(1) },
    { role: 'unknown', refused: true },
  ] as const;
  for (const report of harmless) {
    const rig = Rig.nominee({ basisMs: 0, decided: true });
    rig.peer(1, report);
    t.same(targets(rig.effects), [], report.role);
  }
  for (const role of ['master', 'unknown'] as const) {
    const rig = Rig.nominee({ basisMs: 0, decided: true });
    rig.peer(1, { role });
    t.match(targets(rig.effects), [{ uid: 'u1' }], role);
  }
  t.end();
});

await t.test('rule 8: the previous holder must be known to be frozen', (t) => {
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const begin = (report: Partial<AgentReport>): Rig => {
    const rig = Rig.nominee({ basisMs: 0, decided: true, previous });
    rig.peer(1, { instance: limboOf(1), ...report });
    return rig;
  };
  t.match(targets(begin({ role: 'replica' }).effects), [{ uid: 'u1' }]);
  t.match(targets(begin({ role: 'limbo', frozenTerm: null }).effects), [{ uid: 'u1' }]);
  t.same(targets(begin({ role: 'limbo', frozenTerm: 1 }).effects), []);
  t.end();
});

await t.test('rule 8: a holder that its own agent found silent is waited for 50 ms', (t) => {
  const promotedAfter = (refused: boolean | null): number => {
    const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
    const rig = Rig.nominee({ basisMs: 0, decided: true, previous });
    rig.effects = [];
    const report = { role: 'unknown', refused: refused === true, instance: null } as const;
    if (refused !== null) rig.peer(1, report);
    rig.tick();
    for (; !kinds(rig.effects).includes('promote') && rig.now < 400; rig.now += 10) rig.tick();
    return rig.now;
  };
  t.ok(promotedAfter(false) <= 60);
  t.ok(promotedAfter(null) >= 200, 'of another nothing is known');
  t.end();
});

await t.test('rule 8: beside a master that lives and lets no agent in nobody is promoted', (t) => {
  const history = [{ term: 1, holder: 'redis-1', reason: '', at: '' }];
  const begin = (record: Partial<GroupRecord>): Rig => {
    const rig = Rig.nominee({ basisMs: 0, decided: true, ...record });
    rig.effects = [];
    rig.feed({
      kind: 'remote-fenced',
      uid: 'u1',
      isConfirmed: false,
      isLocked: true,
      instance: null,
    });
    rig.pass(3000, () => {
      rig.tick();
      if (rig.state.pendingWrite !== null) rig.written('ok');
    });
    return rig;
  };
  const rig = begin({ history });
  t.notOk(kinds(rig.effects).includes('promote'));
  t.match(rig.state.problem, /RO_REDIS_AUTH.*redis-1/);
  t.ok(targets(rig.effects).length >= 2, 'it is asked again every second');
  rig.effects = [];
  rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: false, instance: null });
  rig.pass(rig.now + 500);
  t.notOk(kinds(rig.effects).includes('promote'), 'one visit in vain does not make it a dead one');
  rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null });
  t.ok(kinds(rig.effects).includes('promote'));
  t.ok(kinds(begin({}).effects).includes('promote'), 'another than who opened writes last');
  t.end();
});

await t.test('rule 8: a report older than 600 ms tells nothing', (t) => {
  const begin = (ageMs: number): Rig => {
    const rig = Rig.fenced(lease({ record: { datasets: {} } }));
    rig.frozen(1);
    rig.state = { ...rig.state, pendingRedis: null, validUntil: 10_000 };
    const record = { basisMs: 0, decided: true };
    const view = lease({ resourceVersion: '12', holder: SELF, term: 2, record });
    rig.feed({ kind: 'lease', lease: view }, ageMs);
    rig.tick(ageMs);
    return rig;
  };
  t.same(targets(begin(599).effects), []);
  t.match(targets(begin(600).effects), [{ uid: 'u1' }]);
  t.end();
});

/** Leads while redis-2, which nobody hears, may be a master; the times at which it was asked. */
function asked(untilMs: number, isConfirmed: boolean): readonly number[] {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  const since = rig.state.phaseSince;
  const times: number[] = [];
  for (rig.now = since + 100; rig.now < since + untilMs; rig.now += 10) {
    if (rig.now % 100 === 0) synced(rig);
    for (const effect of rig.effects.splice(0)) {
      if (effect.kind === 'write-lease') {
        const written = { id: effect.id, lease: writtenLease(effect.write) };
        rig.feed({ kind: 'lease-written', outcome: 'ok', ...written });
      } else if (effect.kind === 'fence-remote') {
        times.push(rig.now);
        rig.feed({ kind: 'remote-fenced', uid: 'u2', isConfirmed, instance: null });
      }
    }
    rig.see(master);
  }
  return times;
}

await t.test('rule 8: the leader asks again every 200 ms, and after 5 s every 2 s', (t) => {
  const times = asked(12_000, false);
  const gaps = times.slice(1).map((at, n) => at - (times[n] ?? 0));
  t.ok(gaps.length > 20, 'as long as it is not confirmed');
  t.equal(Math.min(...gaps), 200);
  t.equal(gaps[0], 200);
  t.equal(gaps.at(-1), 2000);
  t.end();
});

await t.test('rule 8: what is confirmed to be fenced is not asked again', (t) => {
  t.equal(asked(3000, true).length, 1);
  t.end();
});

await t.test('rule 8: a ghost is fenced by its address and run id only', (t) => {
  const candidates = [candidate(0), candidate(1)];
  const gone = Rig.nominee({ basisMs: 0, decided: true, candidates }, [pod(0)]);
  gone.tick(10);
  t.same(targets(gone.effects), [
    { uid: 'u1', pod: 'redis-1', address: '10.0.0.1', runId: 'run1' },
  ]);
  const reused = [pod(0), pod(2, { ip: '10.0.0.1' })];
  const other = Rig.nominee({ basisMs: 0, decided: true, candidates }, reused);
  other.tick(10);
  t.same(
    targets(other.effects).map(({ uid }) => uid),
    ['u2'],
    'its address is another pod now',
  );
  const unknown = [candidate(0), { ...candidate(1), runId: '' }];
  const nameless = Rig.nominee({ basisMs: 0, decided: true, candidates: unknown }, [pod(0)]);
  nameless.tick(10);
  t.same(targets(nameless.effects), [], 'whose process is not known is left alone');
  t.end();
});

await t.test(
  'rule 8: a ghost that did not answer is remembered when the record forgets it',
  (t) => {
    const candidates = [candidate(0), candidate(1)];
    const rig = Rig.nominee({ basisMs: 0, decided: true, candidates }, [pod(0)]);
    rig.tick(10);
    rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: false, instance: null }, 20);
    rig.tick(220);
    t.match(rig.state.ghosts, [{ uid: 'u1', runId: 'run1' }]);
    rig.done(master);
    rig.done(master);
    t.equal(rig.state.phase, 'Leading');
    const record = { candidates: [candidate(0)], lineage: [{ replid: 'bbb', term: 2, start: 0 }] };
    const view = lease({ resourceVersion: '20', holder: SELF, term: 2, record });
    rig.feed({ kind: 'lease', lease: view }, 500);
    rig.effects = [];
    rig.tick(800);
    t.match(targets(rig.effects), [{ uid: 'u1' }], 'it may have been frozen, and thaw');
    rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null }, 810);
    rig.effects = [];
    rig.tick(1100);
    t.same(targets(rig.effects), [], 'confirmed');
    const silent = { ...rig.state, fenced: new Set<string>(), validUntil: 1_000_000 };
    rig.state = silent;
    rig.tick(700_000);
    t.same(targets(rig.effects), [], 'not for ever');
    t.end();
  },
);

await t.test('rule 8: the leader keeps ghosts fenced', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0)] }, rig.now + 1000);
  t.match(targets(rig.effects), [{ uid: 'u1', runId: 'run1' }]);
  t.end();
});
