// One step under construction: what entering a phase forgets, and what a write or a command leaves behind.

import t from 'tap';
import type { AgentState, LeaseWrite, TermEntry } from '../../agent/core/model.ts';
import { Turn, UNDECIDED } from '../../agent/core/turn.ts';
import { limbo } from './core-fixtures.ts';
import { candidate, lease, Rig, SELF } from './core-rig.ts';

const NEVER = Number.NEGATIVE_INFINITY;

/** Holds term 2; nothing is under way. */
function holding(history: readonly TermEntry[] = [], changes: Partial<AgentState> = {}): Turn {
  const rig = Rig.nominee({ history });
  const idle = { pendingRedis: null, pendingWrite: null, attempted: new Set<string>() };
  return new Turn({ ...rig.state, ...idle, ...changes });
}

const written = (turn: Turn): LeaseWrite | undefined => turn.s.pendingWrite?.write;
const entry = (term: number, changes: Partial<TermEntry> = {}): TermEntry => ({
  term,
  holder: 'redis-1',
  reason: '',
  at: '',
  ...changes,
});

await t.test('a phase that begins forgets all that was waited for in the one before', (t) => {
  const waited: Partial<AgentState> = {
    now: 500,
    fenced: new Set(['u1']),
    fencedInstances: new Map([['u1', limbo]]),
    lockedOut: new Map([['u1', 5]]),
    fenceAskedAt: 5,
    stoppedAt: 5,
    switchover: { id: 'r1', target: null, term: 2, until: 9, by: 'alice' },
    drainedTo: 'u1',
    remoteGoal: 7,
    giverAskedAt: 5,
    maySince: 5,
  };
  const same = holding([], waited);
  same.enter('Deciding', 'again');
  t.match(same.s, waited, 'not the one that goes on');
  const turn = holding([], waited);
  turn.enter('Fencing', 'why');
  t.match(turn.s, {
    phase: 'Fencing',
    phaseSince: 500,
    fenceAskedAt: -1,
    stoppedAt: null,
    switchover: null,
    drainedTo: null,
    remoteGoal: null,
    giverAskedAt: NEVER,
    maySince: null,
  });
  const { fenced, fencedInstances, lockedOut } = turn.s;
  t.same([fenced.size, fencedInstances.size, lockedOut.size], [0, 0, 0]);
  t.end();
});

await t.test('a sentence is said once, until another one is', (t) => {
  const turn = holding([], { reason: 'before' });
  turn.say('before');
  t.equal(turn.result(true).reason, null);
  turn.say('now');
  t.match(turn.result(true), { reason: 'now', isNews: true, state: { reason: 'now' } });
  t.equal(turn.result(false).isNews, false);
  t.end();
});

await t.test(
  'a failed write waits: longer each time, from a half of 100 ms to two seconds',
  (t) => {
    const { s } = holding();
    const pauseMs = (writeFailures: number): number => {
      let ms = 0;
      const mayWrite = (): boolean =>
        new Turn({ ...s, writeFailures, writeFailedAt: 0, now: ms }).canWrite();
      while (!mayWrite() && ms < 5000) ms++;
      return ms;
    };
    t.equal(pauseMs(0), 0);
    for (const [failures, wholeMs] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [6, 2000],
      [500, 2000],
    ] as const) {
      const ms = pauseMs(failures);
      t.ok(ms >= wholeMs / 2 && ms <= wholeMs, `${ms} of ${wholeMs}`);
    }
    t.end();
  },
);

await t.test('a term is added to the history by who begins one, and by no other write', (t) => {
  const terms = (op: LeaseWrite['op'], term: number): number[] => {
    const turn = holding([entry(1)]);
    turn.writeLease(op, term, SELF, UNDECIDED, 'why');
    return written(turn)?.record.history.map((each) => each.term) ?? [];
  };
  t.same(terms('acquire', 3), [1, 3]);
  t.same(terms('transfer', 3), [1, 3]);
  for (const op of ['renew', 'release', 'recreate'] as const) t.same(terms(op, 2), [1]);
  t.end();
});

await t.test('what the history says of a term: who, and why in 200 letters', (t) => {
  const turn = holding();
  turn.writeLease('acquire', 3, SELF, UNDECIDED, 'x'.repeat(300));
  const last = written(turn)?.record.history.at(-1);
  t.match(last, { term: 3, holder: 'redis-0', reason: 'x'.repeat(200), at: '' });
  t.equal(written(turn)?.reason.length, 300, 'the write itself says all');
  t.end();
});

await t.test('a mark of a term without promotion stays, but where it is held on', (t) => {
  const history = [entry(1, { unopened: true }), entry(2, { holder: 'redis-0', unopened: true })];
  const marks = (op: LeaseWrite['op'], term: number): (true | undefined)[] => {
    const turn = holding(history);
    turn.writeLease(op, term, SELF, UNDECIDED, 'why');
    return written(turn)?.record.history.map(({ unopened }) => unopened) ?? [];
  };
  t.same(marks('renew', 2), [true, undefined], 'writes may be opened in it still');
  t.same(marks('release', 2), [true, true]);
  t.same(marks('acquire', 3), [true, true, undefined]);
  t.end();
});

await t.test('what gave the Lease away is unsure, and what keeps it may add candidates', (t) => {
  const after = (op: LeaseWrite['op']) => {
    const turn = holding([], { unsure: false, attempted: new Set(['u9']) });
    turn.writeLease(op, 2, SELF, { candidates: [candidate(1)] }, 'why');
    return { unsure: turn.s.unsure, attempted: [...turn.s.attempted] };
  };
  for (const op of ['transfer', 'release'] as const) {
    t.same(after(op), { unsure: true, attempted: ['u9'] });
  }
  for (const op of ['renew', 'acquire', 'recreate'] as const) {
    t.same(after(op), { unsure: false, attempted: ['u9', 'u1'] });
  }
  t.end();
});

await t.test('a write is judged by the version that was read, and of the own protocol', (t) => {
  const turn = holding();
  const { nextId } = turn.s;
  turn.writeLease('renew', 2, SELF, { protocol: 9 }, 'why');
  t.match(written(turn), { resourceVersion: '12', holder: SELF, record: { protocol: 1 } });
  t.match(turn.s, { nextId: nextId + 1, pendingWrite: { id: nextId, sentAt: turn.s.now } });
  const absent = holding([], { lease: { kind: 'absent', since: 0, last: lease() } });
  absent.writeLease('acquire', 3, null, UNDECIDED, 'why');
  t.equal(written(absent)?.resourceVersion, '', 'created where there is none');
  t.equal(written(absent)?.record.history.at(-1)?.holder, '', 'or by nobody');
  t.end();
});

await t.test(
  'limbo takes the place of any other command, and is asked again after 20 ms, or 160',
  (t) => {
    const attach = { id: 7, kind: 'attach', sentAt: 0 } as const;
    const kinds = (changes: Partial<AgentState>): string[] => {
      const turn = holding([], changes);
      turn.limbo({ cutClients: true });
      return turn.effects.map(({ kind }) => kind);
    };
    t.same(kinds({ pendingRedis: attach }), ['limbo']);
    t.same(kinds({ pendingRedis: { ...attach, kind: 'limbo' } }), []);
    t.same(kinds({ now: 119, redisFailedAt: 100 }), []);
    t.same(kinds({ now: 120, redisFailedAt: 100 }), ['limbo']);
    t.same(kinds({ now: 139, redisFailedAt: 100, limboRefusals: 1 }), []);
    t.same(kinds({ now: 140, redisFailedAt: 100, limboRefusals: 1 }), ['limbo']);
    t.same(kinds({ now: 260, redisFailedAt: 100, limboRefusals: 99 }), ['limbo']);
    t.end();
  },
);

await t.test('an attachment waits for other commands, and unfreezes the offset', (t) => {
  const turn = holding([], { frozenTerm: 2 });
  turn.attach('10.0.0.1', 'aaa');
  t.match(turn.s, { frozenTerm: null, attachment: { host: '10.0.0.1' } });
  t.match(turn.s.pendingRedis, { kind: 'attach', sentAt: turn.s.now, isolated: false });
  turn.attach('10.0.0.2', 'bbb');
  t.equal(turn.effects.length, 1);
  turn.limbo({ cutClients: false });
  t.equal(turn.s.attachment, null, 'limbo ends it');
  t.end();
});

await t.test('a promotion is remembered with its term, and writes are opened as they were', (t) => {
  const turn = holding();
  turn.promote(limbo);
  t.equal(turn.s.promotedIn, 2);
  const asked = turn.s.pendingRedis?.id ?? 0;
  turn.open();
  t.match(turn.s.pendingRedis, { kind: 'open', isolated: false });
  t.ok((turn.s.pendingRedis?.id ?? 0) > asked, 'each command has a number of its own');
  turn.open({ isolated: true });
  t.match(turn.s.pendingRedis, { isolated: true });
  turn.kill('run0', 'frozen');
  t.match(turn.s, { killAsked: 'run0', reason: 'frozen' });
  turn.exit('bye', 3);
  t.match(turn.effects.at(-1), { kind: 'exit', code: 3 });
  t.end();
});
