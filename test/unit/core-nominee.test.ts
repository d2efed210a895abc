// A holder that was named by another: its validity, the goal that it must reach, its way back.

import t from 'tap';
import { config, limbo, pod } from './core-fixtures.ts';
import type { AgentReport } from '../../src/wire.ts';
import { candidate, kinds, lease, limboOf, named, Rig, SELF, targets, writes } from './core-rig.ts';

const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };

await t.test('rule 21: the validity of a nominee runs from the report that named it', (t) => {
  const rig = Rig.fenced(lease());
  const record = { basisMs: 40 };
  const view = lease({ resourceVersion: '11', holder: SELF, term: 2, record });
  rig.feed({ kind: 'lease', lease: view }, 100);
  t.equal(rig.state.validUntil, 40 + config.timing.validityMs);
  t.end();
});

await t.test(
  'a nominee is valid by the report that named it, and promotes without a write',
  (t) => {
    const rig = Rig.nominee({ basisMs: 0, decided: true });
    rig.frozen(1);
    t.match(kinds(rig.effects), ['promote']);
    t.end();
  },
);

await t.test('rule 3: a goal that is reached needs no comparison', (t) => {
  const rig = Rig.nominee({ goal: 100, previous, basisMs: 0 });
  rig.tick();
  t.match(kinds(rig.effects), ['promote'], 'nobody else was heard');
  const behind = Rig.nominee({ goal: 101, previous, basisMs: 0 });
  behind.tick();
  t.same(kinds(behind.effects), []);
  behind.see({ ...limbo, offset: 500, replid: 'by hand' }, 90);
  t.same(kinds(behind.effects), [], 'under another id');
  behind.see({ ...limbo, offset: 101 }, 100);
  t.match(kinds(behind.effects), ['promote']);
  t.end();
});

await t.test('a nominee renews while it waits for its goal', (t) => {
  const rig = Rig.nominee({ goal: 200, previous, basisMs: 0 });
  rig.see(limbo, config.timing.renewMs / 2 - 1);
  t.same(writes(rig.effects), []);
  rig.see(limbo, config.timing.renewMs / 2);
  t.match(writes(rig.effects), [{ op: 'renew', holder: SELF, record: { goal: 200 } }]);
  t.end();
});

await t.test('rule 4: a goal that is not reached: the previous holder leads again', (t) => {
  const rig = Rig.nominee({ goal: 200, previous });
  const look = (): void => {
    rig.peer(1, { role: 'limbo', frozenTerm: null, instance: limboOf(1, { offset: 200 }) });
    rig.see(limbo);
    if (writes(rig.effects).at(-1)?.op === 'renew') rig.written('ok');
  };
  rig.pass(1950, look);
  t.notOk(
    writes(rig.effects).some(({ op }) => op === 'transfer'),
    'it has two seconds',
  );
  rig.pass(2050, look);
  const back = writes(rig.effects).at(-1);
  t.match(back, { op: 'transfer', holder: named(1), term: 3 });
  t.equal(back?.record.goal, null, 'without the goal: the two would play ping-pong');
  t.end();
});

await t.test('rule 4: a nominee whose Redis restarted returns the Lease at once', (t) => {
  const rig = Rig.nominee({ goal: 200, previous, basisMs: 0 });
  rig.frozen(1, { offset: 200 });
  t.same(writes(rig.effects), []);
  rig.see({ ...limbo, runId: 'run0-again' }, 100);
  t.match(writes(rig.effects), [{ op: 'transfer', holder: named(1), term: 3 }]);
  t.end();
});

await t.test('a goal that was missed and whose giver is gone: the replicas are compared', (t) => {
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const rig = Rig.fenced(lease({ record: { candidates } }), [pod(0), pod(1), pod(2)]);
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const record = { candidates, goal: 200, decided: true, basisMs: 0, previous };
  rig.feed({
    kind: 'lease',
    lease: lease({ resourceVersion: '12', holder: SELF, term: 2, record }),
  });
  rig.feed({ kind: 'pods', pods: [pod(0), pod(2)] });
  const fresher = { ...limbo, runId: 'run2', offset: 200, upstream: '127.0.0.1:1' };
  rig.effects = [];
  for (let ms = 0; ms < 4000 && writes(rig.effects).length === 0; ms += 50) {
    rig.now = ms;
    rig.state = { ...rig.state, validUntil: 10_000, renewSentAt: ms };
    rig.peer(2, { agentId: 'p2', role: 'limbo', frozenTerm: 2, term: 2, instance: fresher });
    rig.see(limbo, ms);
  }
  t.notOk(kinds(rig.effects).includes('promote'), 'it lacks what redis-2 has');
  t.match(writes(rig.effects)[0], { op: 'transfer', holder: { pod: 'redis-2' } });
  t.end();
});

await t.test('what the giver compared counts only for the goal that it set', (t) => {
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const pods = [pod(0), pod(2)];
  const rig = Rig.nominee({ candidates, goal: 200, decided: true, basisMs: 0, previous }, pods);
  const reborn = { ...limbo, runId: 'run0-again' };
  const look = (): void => {
    rig.peer(2, { role: 'replica', frozenTerm: null, instance: limboOf(2) });
    rig.see(reborn);
  };
  rig.see(reborn);
  rig.pass(250, look);
  t.notOk(kinds(rig.effects).includes('promote'), 'redis-2 has not stopped yet');
  rig.pass(300, look);
  t.ok(kinds(rig.effects).includes('promote'));
  t.end();
});

await t.test('decided: no live peer is waited for', (t) => {
  const unfrozen = { role: 'replica', instance: limboOf(1) } as const;
  const rig = Rig.nominee({ basisMs: 0, decided: true });
  rig.peer(1, unfrozen);
  t.match(kinds(rig.effects), ['promote']);
  const undecided = Rig.nominee({ basisMs: 0 });
  undecided.peer(1, unfrozen);
  t.notOk(kinds(undecided.effects).includes('promote'));
  t.end();
});

await t.test('decided: a fresher peer that stopped before this term is waited for, 300 ms', (t) => {
  const rig = Rig.nominee({ basisMs: 0, decided: true });
  const look = (): void => {
    rig.peer(1, { role: 'limbo', frozenTerm: 1, instance: limboOf(1, { offset: 174 }) });
  };
  look();
  rig.pass(250, look);
  t.notOk(kinds(rig.effects).includes('promote'));
  rig.frozen(1, { offset: 174 });
  t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: named(1) });
  const late = Rig.nominee({ basisMs: 0, decided: true });
  const wait = (): void => {
    late.peer(1, { role: 'limbo', frozenTerm: 1, instance: limboOf(1, { offset: 174 }) });
  };
  wait();
  late.pass(400, wait);
  t.ok(kinds(late.effects).includes('promote'), 'not for ever');
  t.end();
});

await t.test('decided: strictly fresher frozen data still get the Lease', (t) => {
  const begin = (offset: number): Rig => {
    const rig = Rig.nominee({ basisMs: 0, decided: true });
    rig.effects = [];
    rig.peer(1, { role: 'limbo', frozenTerm: 2, instance: limboOf(1, { offset, priority: 1 }) });
    return rig;
  };
  t.match(writes(begin(101).effects), [{ op: 'transfer', holder: named(1), term: 3 }]);
  t.match(kinds(begin(100).effects), ['promote'], 'a smaller priority was compared already');
  t.end();
});

const pending = { goal: 'pending', previous, basisMs: 0, decided: true } as const;
const stopped = (offset: number, changes: Partial<AgentReport> = {}): Partial<AgentReport> => ({
  role: 'limbo',
  frozenTerm: 2,
  finalOffset: { term: 1, offset },
  instance: limboOf(1, { offset }),
  ...changes,
});

await t.test(
  'rule 3: a pending goal: nobody is promoted before the giver told where it stopped',
  (t) => {
    const rig = Rig.nominee(pending);
    rig.effects = [];
    rig.peer(1, { role: 'master', instance: limboOf(1, { offset: 100, upstream: null }) });
    rig.see(limbo, 100);
    t.same(kinds(rig.effects), []);
    rig.peer(1, stopped(100, { finalOffset: { term: 0, offset: 100 } }));
    t.same(kinds(rig.effects), [], 'that was another term');
    rig.peer(1, stopped(101));
    t.same(kinds(rig.effects), [], 'a byte is missing');
    rig.see({ ...limbo, offset: 101 }, 110);
    t.match(kinds(rig.effects), ['promote']);
    t.end();
  },
);

await t.test(
  'a pending goal: a giver whose agent is silent for 150 ms is fenced from here',
  (t) => {
    const rig = Rig.nominee(pending);
    rig.effects = [];
    rig.tick(149);
    t.same(kinds(rig.effects), []);
    rig.tick(150);
    t.match(targets(rig.effects), [{ pod: 'redis-1', runId: 'run1' }]);
    rig.tick(349);
    t.equal(targets(rig.effects).length, 1);
    rig.tick(350);
    t.equal(targets(rig.effects).length, 2, 'and asked again every 200 ms');
    const instance = { ...limbo, runId: 'run1', offset: 100 };
    rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance });
    t.match(kinds(rig.effects).at(-1), 'promote');
    t.end();
  },
);

await t.test('a pending goal: of a giver whose process is gone nothing more is to come', (t) => {
  const gone = Rig.nominee(pending);
  gone.effects = [];
  gone.peer(1, { role: 'unknown', refused: true, instance: null });
  t.match(kinds(gone.effects), ['promote']);
  const restarted = Rig.nominee(pending);
  restarted.effects = [];
  restarted.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null });
  restarted.pass(350);
  t.ok(kinds(restarted.effects).includes('promote'));
  t.end();
});

await t.test('a pending goal: a giver of which nothing is known is waited for, a whole L', (t) => {
  const rig = Rig.nominee(pending);
  const look = (): void => {
    rig.see(limbo);
    const { pendingWrite } = rig.state;
    if (pendingWrite !== null) rig.written('ok');
  };
  rig.pass(config.timing.waitMs - 50, look);
  t.notOk(kinds(rig.effects).includes('promote'));
  rig.pass(config.timing.waitMs + 600, look);
  t.ok(kinds(rig.effects).includes('promote'));
  t.end();
});

await t.test('a pending goal is kept where a new term must be begun', (t) => {
  const rig = Rig.fenced(lease());
  rig.effects = [];
  rig.peer(1, { term: 7 });
  rig.feed({
    kind: 'lease',
    lease: lease({ resourceVersion: '12', holder: SELF, term: 2, record: pending }),
  });
  t.match(writes(rig.effects), [{ op: 'acquire', term: 8, record: { goal: 'pending', previous } }]);
  t.end();
});
