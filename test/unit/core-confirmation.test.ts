// --confirmed-by n: writes that WAIT n confirmed survive a failover (I6).

import t from 'tap';
import type { GroupRecord } from '../../agent/core/model.ts';
import { limbo, pod } from './core-fixtures.ts';
import { candidate, kinds, lease, Rig, SELF, writes } from './core-rig.ts';

const pods = [0, 1, 2, 3].map((n) => pod(n));
const candidates = pods.map((_, n) => candidate(n));
/** redis-3 was master of term 1. */
const history = [{ term: 1, holder: 'redis-3', reason: '', at: '' }];

/** Named for term 2 with `confirmedBy`; looks until then. */
function deciding(
  confirmedBy: number,
  look: (rig: Rig) => void,
  force: number | null = null,
  changes: Partial<GroupRecord> = {},
): Rig {
  const rig = Rig.fenced(lease({ record: { datasets: {}, history } }), pods, { confirmedBy });
  rig.effects = [];
  rig.state = { ...rig.state, pendingRedis: null, validUntil: 100_000 };
  const record = { candidates, datasets: {}, history, basisMs: 0, ...changes };
  const view = lease({ resourceVersion: '12', holder: SELF, term: 2, record });
  rig.feed({ kind: 'lease', lease: view });
  const until = (untilMs: number): void =>
    rig.pass(untilMs, () => {
      look(rig);
      rig.see(limbo);
      if (rig.state.pendingWrite !== null) rig.written('ok');
    });
  until(3000);
  if (force !== null) {
    const last = writes(rig.effects).at(-1)?.resourceVersion ?? '12';
    const resourceVersion = String(Number(last) + 5);
    rig.feed({ kind: 'lease', lease: { ...view, resourceVersion, force } });
    until(4000);
  }
  return rig;
}

const isPromoted = (rig: Rig): boolean => kinds(rig.effects).includes('promote');

await t.test(
  '--confirmed-by n: frozen offsets of R - n + 1 of R replicas, itself included',
  (t) => {
    const heard = (count: number) => (rig: Rig) => {
      for (let n = 1; n < count; n++) rig.frozen(n, { offset: 50 });
    };
    for (const [confirmedBy, needed] of [
      [1, 3],
      [2, 2],
      [3, 1],
    ] as const) {
      t.ok(isPromoted(deciding(confirmedBy, heard(needed))), `${needed} of 3 for ${confirmedBy}`);
      if (needed > 1) t.notOk(isPromoted(deciding(confirmedBy, heard(needed - 1))));
    }
    const waiting = deciding(1, heard(2));
    t.match(waiting.state.problem, /^RO_UNCONFIRMED: redis-2, redis-3 may hold writes that WAIT 1/);
    t.equal(waiting.state.phase, 'Deciding');
    t.ok(isPromoted(deciding(0, heard(1))), 'by default nobody is waited for');
    t.end();
  },
);

await t.test('--confirmed-by n: an offset that is not final in this term does not count', (t) => {
  const rig = deciding(2, (each) => each.peer(1, { role: 'replica', frozenTerm: 1 }));
  t.notOk(isPromoted(rig));
  t.end();
});

await t.test(
  '--confirmed-by n: who was recorded in order to attach counts before it is a candidate',
  (t) => {
    const confirmed = { candidates: candidates.filter((_, n) => n !== 2) };
    const entry = { volume: 'u2', replid: 'aaa', offset: 0, keys: 0 };
    const heard = (rig: Rig): void => {
      rig.frozen(1, { offset: 50 });
    };
    t.ok(isPromoted(deciding(1, heard, null, confirmed)), '2 of 2');
    const attached = { ...confirmed, datasets: { 'redis-2': entry } };
    t.notOk(isPromoted(deciding(1, heard, null, attached)), '2 of 3');
    t.end();
  },
);

await t.test('--confirmed-by n: who was master has all of it', (t) => {
  t.ok(isPromoted(deciding(1, (rig) => rig.frozen(3))));
  t.end();
});

await t.test('--confirmed-by n: who was fenced from here counts, unless it has more', (t) => {
  const fenced = (offset: number) => (rig: Rig) => {
    rig.frozen(1, { offset: 50 });
    const instance = { ...limbo, runId: 'run2', offset };
    rig.feed({ kind: 'remote-fenced', uid: 'u2', isConfirmed: true, instance });
  };
  t.ok(isPromoted(deciding(1, fenced(100))));
  t.notOk(isPromoted(deciding(1, fenced(101))));
  t.end();
});

await t.test('--confirmed-by n: who restarted counts only where everybody was heard', (t) => {
  const reborn = { offset: 50, runId: 'again' };
  t.notOk(isPromoted(deciding(2, (rig) => rig.frozen(1, reborn))));
  const all = deciding(1, (rig) => {
    for (const n of [1, 2, 3]) rig.frozen(n, reborn);
  });
  t.ok(isPromoted(all), 'nobody is left who could tell more');
  t.end();
});

await t.test('--confirmed-by n: who acquired by itself waits as well', (t) => {
  const rig = Rig.fenced(lease({ record: { candidates, history } }), pods, { confirmedBy: 1 });
  const look = (): void => {
    rig.see(limbo);
    if (rig.state.pendingWrite !== null) rig.written('ok');
  };
  rig.done(null);
  rig.pass(8000, look);
  t.equal(writes(rig.effects)[0]?.op, 'acquire');
  t.notOk(isPromoted(rig));
  t.match(rig.state.problem, /^RO_UNCONFIRMED: /);
  t.end();
});

await t.test('--confirmed-by n: a person may give up what is waited for', (t) => {
  const rig = deciding(1, () => undefined, 2);
  t.match(
    writes(rig.effects).findLast(({ op }) => op === 'acquire'),
    { term: 3, holder: SELF },
  );
  t.ok(isPromoted(rig));
  const forced = Rig.fenced(lease({ force: 1, record: { candidates, history } }), pods, {
    confirmedBy: 1,
  });
  forced.written('ok');
  forced.pass(1000, () => forced.see(limbo));
  t.ok(isPromoted(forced), 'also where nobody held the Lease');
  t.notOk(isPromoted(deciding(1, () => undefined, 1)), 'of an earlier term: none');
  t.end();
});

await t.test('--confirmed-by n: one that loads, or does not answer, has shown nothing', (t) => {
  t.notOk(isPromoted(deciding(2, (rig) => rig.frozen(1, { loading: true }))));
  const mute = { role: 'unknown', frozenTerm: 99, instance: null } as const;
  t.notOk(isPromoted(deciding(2, (rig) => rig.peer(1, mute))));
  t.end();
});

await t.test('--confirmed-by n: what is waited for is told after 300 ms, until it is over', (t) => {
  const problems: (string | null)[] = [];
  const rig = deciding(2, (each) => {
    problems.push(each.state.problem?.slice(0, 14) ?? null);
    if (each.now >= 1000) each.frozen(1, { offset: 50 });
    if (each.now < 300) t.notMatch(each.state.problem, /RO_UNCONFIRMED/);
  });
  t.ok(problems.includes('RO_UNCONFIRMED'));
  t.ok(isPromoted(rig));
  t.equal(rig.state.problem, null);
  const other = deciding(2, (each) => {
    if (each.state.phase === 'Deciding') each.state = { ...each.state, problem: 'another' };
    each.frozen(1, { offset: 50 });
  });
  t.ok(isPromoted(other));
  t.equal(other.state.problem, 'another', 'no other is hidden by that');
  t.end();
});

await t.test('--confirmed-by n: by force a term begins first, once no write is under way', (t) => {
  const rig = deciding(1, () => undefined);
  const record = { candidates, datasets: {}, history, basisMs: 0 };
  const view = lease({ resourceVersion: '50', holder: SELF, term: 2, force: 2, record });
  const write = { ...view, op: 'renew', reason: '' } as const;
  rig.state = { ...rig.state, pendingWrite: { id: 99, sentAt: 0, write } };
  rig.effects = [];
  rig.feed({ kind: 'lease', lease: view });
  t.same(kinds(rig.effects), []);
  rig.feed({ kind: 'lease-written', id: 99, outcome: 'conflict', lease: view });
  t.same(kinds(rig.effects), ['write-lease']);
  t.match(writes(rig.effects), [{ op: 'acquire', term: 3 }]);
  t.end();
});
