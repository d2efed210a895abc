// What people are told by Events: each of them by what the core went through, and nothing at rest.

import t from 'tap';
import type { Promotion } from '../../src/group-facts.ts';
import type { AgentEvent, AgentState } from '../../agent/core/model.ts';
import type { Notice } from '../../agent/core/notice-table.ts';
import { lossAfter, lossOf } from '../../agent/core/loss.ts';
import { noticesOf } from '../../agent/core/notices.ts';
import { pod } from './core-fixtures.ts';
import { lease, limboOf, master, Rig, silent, synced, writtenLease } from './core-rig.ts';
import { limbo } from './core-fixtures.ts';

/** What one event makes an agent tell. */
function toldBy(rig: Rig, act: () => void): readonly Notice[] {
  const notices: Notice[] = [];
  const feed = rig.feed.bind(rig);
  rig.feed = (event: AgentEvent, atMs?: number) => {
    const before = rig.state;
    const effects = feed(event, atMs);
    notices.push(...noticesOf(before, event, rig.state));
    return effects;
  };
  act();
  rig.feed = feed;
  return notices;
}

await t.test('MasterElected: the first master of a group', (t) => {
  const { state } = Rig.leading();
  const lineage = [{ replid: 'aaa', term: 0, start: 0 }];
  const view = lease({ term: 1, holder: state.config.self, record: { lineage } });
  const after = { ...state, lease: { kind: 'present', lease: view, unchangedSince: 0 } } as const;
  const told = noticesOf({ ...after, phase: 'Promoting' }, { kind: 'tick' }, after);
  t.match(told, [{ reason: 'MasterElected', note: /^redis-0 is master of term 1: / }]);
  const { state: resumed } = Rig.leading();
  const again = noticesOf({ ...resumed, phase: 'Promoting' }, { kind: 'tick' }, resumed);
  t.same(again, [], 'an agent that was replaced resumes what its forerunner told');
  t.end();
});

await t.test('Failover and SwitchoverCompleted: from whom, to whom and why', (t) => {
  const { state } = Rig.leading();
  const history = [
    { term: 5, holder: 'redis-1', reason: 'first', at: '' },
    // Named, and never opened.
    { term: 6, holder: 'redis-2', reason: 'the local Redis is gone', at: '' },
    { term: 7, holder: 'redis-0', reason: 'the holder redis-2 was silent for 4000 ms', at: '' },
  ];
  const of = (goal: number | null, promotion: Promotion | null = null) => {
    const lineage = [{ replid: 'aaa', term: 5, start: 1 }];
    const record = { history, lineage, goal };
    const view = lease({ term: 7, holder: state.config.self, record });
    const known = { kind: 'present', lease: view, unchangedSince: 0 } as const;
    const after = { ...state, lease: known, promotion };
    return noticesOf({ ...after, phase: 'Promoting' }, { kind: 'tick' }, after);
  };
  const note =
    'redis-1 → redis-0 is master of term 7: the local Redis is gone (term 6 went to redis-2, which did not open it); the holder redis-2 was silent for 4000 ms';
  t.match(of(null), [{ reason: 'Failover', note }]);
  t.match(of(100), [{ reason: 'SwitchoverCompleted', note }]);
  const timed = { term: 7, kind: 'planned', pauseMs: 4.4 } as const;
  t.match(of(100, timed), [{ note: /; writes paused for 4 ms$/ }]);
  t.match(of(null, { ...timed, kind: 'unplanned' }), [{ note: /; the election took 4 ms$/ }]);
  t.end();
});

await t.test('SwitchoverRefused and SwitchoverUndone: with the reason, once', (t) => {
  const rig = Rig.leading();
  const request = { id: 'r1', target: 'redis-7', term: 1, until: rig.now + 5000, by: 'alice' };
  const refused = toldBy(rig, () => {
    rig.feed({ kind: 'request', request });
    rig.tick();
    rig.feed({ kind: 'request', request });
  });
  t.match(refused, [{ reason: 'SwitchoverRefused', note: /switchover r1: redis-7 is no member/ }]);
  t.equal(refused.length, 1);
  const answered = {
    ...rig.state,
    answer: { id: 'r1', outcome: 'undone', detail: 'why' },
  } as const;
  const undone = noticesOf(rig.state, { kind: 'tick' }, answered);
  t.match(undone, [{ reason: 'SwitchoverUndone', note: 'switchover r1: why' }]);
  t.end();
});

await t.test('Fenced: an open master that stops without having been asked to', (t) => {
  const rig = Rig.leading();
  const told = toldBy(rig, () => rig.tick(rig.now + 60_000));
  t.match(told, [{ reason: 'Fenced', note: /could not be renewed in time/ }]);
  t.end();
});

await t.test('SplitBrainDetected: another master beside the one that the Lease names', (t) => {
  const rig = Rig.leading();
  synced(rig);
  const byPeer = toldBy(rig, () => {
    rig.peer(1, { role: 'master' });
    rig.peer(1, { role: 'master' });
  });
  t.match(byPeer, [{ reason: 'SplitBrainDetected', note: /Redis of redis-1 was a master beside/ }]);
  t.equal(byPeer.length, 1);
  const byFence = toldBy(rig, () => {
    const event = { kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null } as const;
    rig.feed({ ...event, wasMaster: true });
    rig.feed(event);
  });
  t.match(byFence, [{ reason: 'SplitBrainDetected', note: /Redis of redis-1/ }]);
  t.equal(byFence.length, 1);
  const held = { kind: 'present', lease: lease({}), unchangedSince: 0 } as const;
  const boot = { ...rig.state, phase: 'Boot', lease: held } as const;
  const byItself = noticesOf(boot, { kind: 'tick' }, { ...boot, phase: 'Fenced' });
  t.match(byItself, [
    { reason: 'SplitBrainDetected', note: /redis-0 was a master beside redis-1/ },
  ]);
  t.end();
});

await t.test('WritesLost: the bytes that the promotion left behind', (t) => {
  const { state } = Rig.leading();
  const lineage = [
    { replid: 'aaa', term: 1, start: 1 },
    { replid: 'bbb', term: 2, start: 101 },
  ];
  const shown = (offset: number, replid = 'aaa') => ({
    ...state,
    lease: { kind: 'present', lease: lease({ record: { lineage } }), unchangedSince: 0 } as const,
    redis: { reachable: true, seenAt: 0, instance: { ...limbo, replid, offset } } as const,
  });
  t.match(lossOf(shown(100)), { term: 2, bytes: 0 }, 'it stood where the other was promoted');
  t.match(lossOf(shown(90)), { bytes: 0 }, 'it was behind');
  t.match(lossOf(shown(130)), { term: 2, bytes: 30 });
  t.equal(lossOf(shown(130, 'bbb')), null, 'the newest id has no successor');
  t.equal(lossOf(shown(130, 'zzz')), null, 'of an unknown id nothing can be told');
  const after = { ...shown(130), lost: lossAfter(shown(130)) };
  t.equal(lossAfter(after), after.lost, 'a stream that is attached again is lost once');
  const told = noticesOf(shown(130), { kind: 'tick' }, after);
  t.match(told, [{ reason: 'WritesLost', note: /30 bytes of the stream aaa up to offset 130/ }]);
  t.same(noticesOf(after, { kind: 'tick' }, after), [], 'once');
  t.end();
});

await t.test('RoleRepaired: a replica that somebody made a master', (t) => {
  const { state } = Rig.leading();
  const before = {
    ...state,
    phase: 'Following',
    redis: { reachable: true, instance: limbo, seenAt: 0 },
  } as const;
  const after = { ...before, redis: { reachable: true, instance: master, seenAt: 0 } } as const;
  t.match(noticesOf(before, { kind: 'tick' }, after), [{ reason: 'RoleRepaired' }]);
  const ours = { id: 1, kind: 'promote', sentAt: 0, isolated: false } as const;
  t.same(noticesOf({ ...before, pendingRedis: ours }, { kind: 'tick' }, after), []);
  t.end();
});

await t.test(
  'LabelRepaired: about the pod whose label somebody changed, and no first label',
  (t) => {
    const rig = Rig.leading({}, [pod(0), pod(1)]);
    synced(rig);
    const right = [pod(0, { role: 'master' }), pod(1, { role: 'replica' })];
    const first = toldBy(rig, () => rig.feed({ kind: 'pods', pods: right }));
    t.same(first, []);
    const wrong = [pod(0, { role: 'master' }), pod(1, { role: 'master' })];
    const told = toldBy(rig, () => rig.feed({ kind: 'pods', pods: wrong }));
    t.match(told, [
      {
        reason: 'LabelRepaired',
        note: 'somebody set the label redis-role of this pod to master, which was replica: it is replica again',
        pod: { name: 'redis-1' },
      },
    ]);
    t.end();
  },
);

await t.test('Problem: those with a code, once for as long as they last', (t) => {
  const { state } = Rig.leading();
  const bad = { ...state, problem: 'RO_DATA_CONFLICT: 5 keys of another lineage' };
  const told = noticesOf(state, { kind: 'tick' }, bad);
  t.match(told, [{ reason: 'Problem', note: /^RO_DATA_CONFLICT: 5 keys/ }]);
  const more = { ...bad, problem: 'RO_DATA_CONFLICT: 6 keys of another lineage' };
  t.same(noticesOf(bad, { kind: 'tick' }, more), []);
  const weaker = {
    ...master,
    unwritable: 'rdb',
    obstacle: { kind: 'weaker', problem: 'RO_REDIS_COMMAND_DENIED: CONFIG REWRITE' },
  } as const;
  const both = { ...state, redis: { reachable: true, instance: weaker, seenAt: 0 } } as const;
  t.match(noticesOf(state, { kind: 'tick' }, both), [
    { note: /^RO_REDIS_COMMAND_DENIED/ },
    { note: /^RO_REDIS_UNWRITABLE/ },
  ]);
  const waiting = { ...state, problem: 'the holder is alive' };
  t.same(noticesOf(state, { kind: 'tick' }, waiting), []);
  t.end();
});

await t.test('an election is told by who opens writes, at that moment alone', (t) => {
  const { state } = Rig.leading();
  const record = { lineage: [{ replid: 'aaa', term: 0, start: 0 }] };
  const view = lease({ term: 3, holder: state.config.self, record });
  const after = { ...state, lease: { kind: 'present', lease: view, unchangedSince: 0 } } as const;
  const of = (from: AgentState['phase'], to: AgentState['phase']): number =>
    noticesOf({ ...after, phase: from }, { kind: 'tick' }, { ...after, phase: to }).length;
  t.equal(of('Promoting', 'Leading'), 1);
  t.equal(of('HandingOver', 'Leading'), 0, 'a hand-over that failed elects nobody');
  t.equal(of('Promoting', 'Fencing'), 0, 'nor does a promotion that failed');
  t.end();
});

await t.test('an answer that begins or is done is no refusal', (t) => {
  const { state } = Rig.leading();
  for (const outcome of ['begun', 'done'] as const) {
    const after = { ...state, answer: { id: 'r1', outcome, detail: 'why' } };
    t.same(noticesOf(state, { kind: 'tick' }, after), [], outcome);
  }
  t.end();
});

await t.test('Fenced is told of an open master alone, and not of one that hands over', (t) => {
  const rig = Rig.leading();
  const { state } = rig;
  const of = (before: AgentState, phase: AgentState['phase']): number =>
    noticesOf(before, { kind: 'tick' }, { ...before, phase }).length;
  t.equal(of(state, 'Fencing'), 1);
  t.equal(of(state, 'Fenced'), 1);
  t.equal(of(state, 'HandingOver'), 0);
  t.equal(of({ ...state, phase: 'HandingOver' }, 'Fencing'), 0);
  const replica = { reachable: true, instance: limbo, seenAt: 0 } as const;
  t.equal(of({ ...state, redis: replica }, 'Fencing'), 0, 'it took no writes');
  t.end();
});

await t.test('SplitBrainDetected is not told of what is no second master', (t) => {
  const rig = Rig.leading();
  const { state } = rig;
  const asMaster = { role: 'master' } as const;
  t.same(
    toldBy(Rig.leading(), () => rig.peer(1, asMaster)),
    [],
    'one that was never heard before may be older news',
  );
  const fenced = { kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null } as const;
  const wasMaster = { ...fenced, wasMaster: true };
  const deciding = { ...state, phase: 'Deciding' } as const;
  t.same(noticesOf(deciding, wasMaster, deciding), [], 'who only decides has no rival yet');
  const held = { kind: 'present', lease: lease({}), unchangedSince: 0 } as const;
  const boot = { ...state, phase: 'Boot', lease: held } as const;
  const atStart = (before: AgentState): readonly Notice[] =>
    noticesOf(before, { kind: 'tick' }, { ...before, phase: 'Fenced' });
  const empty = { reachable: true, instance: { ...master, keys: 0 }, seenAt: 0 } as const;
  t.same(atStart({ ...boot, redis: empty }), [], 'one without data has just been started');
  const replica = { reachable: true, instance: limbo, seenAt: 0 } as const;
  t.same(atStart({ ...boot, redis: replica }), [], 'a replica is none');
  const own = lease({ holder: state.config.self });
  const mine = { kind: 'present', lease: own, unchangedSince: 0 } as const;
  t.same(atStart({ ...boot, lease: mine }), [], 'the holder itself is none');
  const free = { kind: 'present', lease: lease({ holder: null }), unchangedSince: 0 } as const;
  t.same(atStart({ ...boot, lease: free }), [], 'nobody leads whom it could stand beside');
  t.end();
});

await t.test('bytes are lost by the next promotion, not by an id that no promotion made', (t) => {
  const { state } = Rig.leading();
  const lineage = [
    { replid: 'aaa', term: 1, start: 1 },
    { replid: 'among', term: 0, start: 91 },
    { replid: 'bbb', term: 2, start: 101 },
    { replid: 'ccc', term: 3, start: 301 },
  ];
  const record = { lineage };
  const shown = (offset: number, entries = lineage) => ({
    ...state,
    lease: {
      kind: 'present',
      lease: lease({ record: { ...record, lineage: entries } }),
      unchangedSince: 0,
    } as const,
    redis: {
      reachable: true,
      seenAt: 0,
      instance: { ...limbo, replid: 'aaa', offset },
    } as const,
  });
  t.match(lossOf(shown(130)), { term: 2, bytes: 30 });
  const unknown = lineage.map((entry) => (entry.term === 2 ? { ...entry, start: 0 } : entry));
  t.equal(lossOf(shown(130, unknown)), null, 'where it began is not known');
  t.equal(lossOf({ ...shown(130), redis: silent(0, true) }), null);
  t.end();
});

await t.test('RoleRepaired: in Fenced as well, and of no master that was one', (t) => {
  const { state } = Rig.leading();
  const of = (phase: AgentState['phase'], before: typeof limbo): number => {
    const replica = { reachable: true, instance: before, seenAt: 0 } as const;
    const known: AgentState = { ...state, phase, redis: replica };
    const after = { ...known, redis: { reachable: true, instance: master, seenAt: 0 } } as const;
    return noticesOf(known, { kind: 'tick' }, after).length;
  };
  t.equal(of('Fenced', limbo), 1);
  t.equal(of('Deciding', limbo), 0, 'the agent itself is at work');
  t.equal(of('Following', master), 0);
  t.end();
});

await t.test('LabelRepaired is not told of what the agent itself changes late', (t) => {
  const rig = Rig.leading({}, [pod(0), pod(1)]);
  synced(rig);
  const right = [pod(0, { role: 'master' }), pod(1, { role: 'replica' })];
  const see = (pods: readonly ReturnType<typeof pod>[]) => (): void => {
    rig.feed({ kind: 'pods', pods });
  };
  see(right)();
  const without = [pod(0, { role: 'master' }), pod(1)];
  t.same(toldBy(rig, see(without)), [], 'the label of a replica may be late news');
  t.same(toldBy(rig, see(without)), [], 'what was wrong before is told once');
  see(right)();
  const stripped = [pod(0), pod(1, { role: 'replica' })];
  t.match(toldBy(rig, see(stripped)), [
    {
      reason: 'LabelRepaired',
      note: 'somebody took the label redis-role=master off this pod: it is put back',
    },
  ]);
  rig.state = { ...rig.state, phase: 'Following' };
  t.same(toldBy(rig, see(right)), [], 'only the master keeps labels');
  t.end();
});

await t.test('nothing is told of a group at rest', (t) => {
  const rig = Rig.leading();
  synced(rig);
  const told = toldBy(rig, () => {
    for (let ms = 0; ms < 3000; ms += 100) {
      rig.tick(rig.now + 100);
      const write = rig.effects.findLast((each) => each.kind === 'write-lease');
      if (write !== undefined && rig.state.pendingWrite?.id === write.id) {
        const view = writtenLease(write.write);
        rig.feed({ kind: 'lease-written', id: write.id, outcome: 'ok', lease: view });
      }
      rig.peer(1, { role: 'replica', instance: limboOf(1, { linkUp: true }) });
    }
  });
  t.equal(rig.state.phase, 'Leading');
  t.same(told, []);
  t.end();
});
