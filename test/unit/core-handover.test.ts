// Row of HandingOver: the pod ends, a replica in sync takes over, and nothing is lost (ADR 9).

import t from 'tap';
import { reportOf } from '../../agent/core/report.ts';
import { recordOf } from '../../agent/core/view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import {
  context,
  kinds,
  lease,
  limboOf,
  master,
  Rig,
  SELF,
  silent,
  synced,
  writes,
} from './core-rig.ts';

const leaving = [pod(0, { leaving: true }), pod(1)];

function begin(): Rig {
  const rig = Rig.leading();
  rig.effects = [];
  rig.feed({ kind: 'pods', pods: leaving });
  return rig;
}

/** A whole round of a planned change: the transfer, and its answer. */
function given(rig: Rig): void {
  const [write] = writes(rig.effects);
  if (write === undefined) throw new Error('nothing was given');
  rig.written('ok');
}

await t.test('HandingOver: the Lease is given away first, while this instance serves on', (t) => {
  const rig = begin();
  t.equal(rig.state.phase, 'HandingOver');
  t.match(writes(rig.effects), [
    {
      op: 'transfer',
      holder: { pod: 'redis-1' },
      term: 2,
      record: { goal: 'pending', decided: true },
    },
  ]);
  t.same(kinds(rig.effects), ['write-lease'], 'no limbo yet');
  rig.tick(rig.now + 100);
  t.same(kinds(rig.effects), ['write-lease']);
  given(rig);
  t.equal(rig.state.phase, 'Fencing');
  t.match(rig.effects.at(-1), { kind: 'limbo', cutClients: true });
  t.end();
});

await t.test('a hand-over prefers a pod of the new revision', (t) => {
  const rig = Rig.leading();
  const linked = { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' };
  const made = { createdEpochMs: 1, revision: 'old' };
  const pods = [
    pod(0, { ...made, leaving: true }),
    pod(1, made),
    pod(2, { createdEpochMs: 2, revision: 'new' }),
  ];
  rig.feed({ kind: 'pods', pods: pods.map((each) => ({ ...each, leaving: false })) });
  const report = { role: 'replica', inSync: true, frozenTerm: null } as const;
  rig.peer(2, { ...report, instance: limboOf(2, { ...linked, offset: 90 }) });
  rig.peer(1, { ...report, instance: limboOf(1, { ...linked, offset: 100 }) });
  rig.tick(rig.now + 300);
  rig.written('ok');
  rig.effects = [];
  rig.feed({ kind: 'pods', pods });
  t.match(writes(rig.effects), [{ op: 'transfer', holder: { pod: 'redis-2' } }]);
  t.end();
});

await t.test('a hand-over needs a candidate of the record, and an API server that answers', (t) => {
  const begin = (changes: object): Rig => {
    const rig = Rig.leading();
    rig.state = { ...rig.state, ...changes };
    rig.feed({ kind: 'pods', pods: leaving });
    return rig;
  };
  t.equal(begin({}).state.phase, 'HandingOver');
  const failsafe = { round: 7, startedAt: 0 };
  t.equal(begin({ failsafe, renewSentAt: -5000, validUntil: 9000 }).state.phase, 'Leading');
  const rig = Rig.leading();
  const again = { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379', runId: 'run1-again' };
  synced(rig, { instance: limboOf(1, again) });
  rig.feed({ kind: 'pods', pods: leaving });
  t.equal(rig.state.phase, 'Leading', 'a process that is not recorded yet');
  t.end();
});

await t.test('HandingOver: once stopped, this instance tells its successor where', (t) => {
  const told = (rig: Rig) => reportOf(rig.state, context).finalOffset;
  const rig = begin();
  t.equal(told(rig), null, 'it serves');
  given(rig);
  t.equal(told(rig), null, 'limbo was only asked for');
  rig.done({ ...limbo, offset: 120 });
  t.same(told(rig), { term: 1, offset: 120 });
  const restarted = begin();
  given(restarted);
  restarted.done({ ...limbo, offset: 120, runId: 'another' });
  t.equal(told(restarted), null, 'another process has not what the one that served had');
  t.end();
});

await t.test(
  'HandingOver: an instance whose transfer is unknown serves on until its validity ends',
  (t) => {
    const rig = begin();
    rig.written('timeout');
    t.equal(rig.state.phase, 'HandingOver');
    rig.effects = [];
    rig.tick(rig.now + 200);
    t.match(writes(rig.effects), [{ op: 'renew' }], 'rule 2: a renewal decides');
    rig.tick(rig.state.validUntil);
    t.equal(rig.state.phase, 'Fencing');
    t.end();
  },
);

await t.test(
  'HandingOver: a conflict gave nothing away: this instance leads, and tries again',
  (t) => {
    const rig = begin();
    const view = lease({
      resourceVersion: '99',
      holder: SELF,
      term: 1,
      record: recordOf(rig.state),
    });
    const [id] = [rig.state.pendingWrite?.id ?? 0];
    rig.effects = [];
    rig.feed({ kind: 'lease-written', id, outcome: 'conflict', lease: view });
    t.match(writes(rig.effects), [{ op: 'transfer', resourceVersion: '99' }]);
    t.end();
  },
);

await t.test(
  'HandingOver: Redis below 7.0: guarded, drained, stopped, and then given away',
  (t) => {
    const old = { version: '6.0.16' };
    const rig = Rig.leading();
    rig.see({ ...master, ...old });
    rig.effects = [];
    rig.feed({ kind: 'pods', pods: leaving });
    t.same(kinds(rig.effects.splice(0)), ['guard']);
    rig.done({ ...master, ...old, offset: 130 });
    t.same(kinds(rig.effects), [], 'redis-1 lacks 30 bytes');
    const whole = limboOf(1, {
      replid: 'bbb',
      linkUp: true,
      upstream: '10.0.0.0:6379',
      offset: 130,
    });
    synced(rig, { instance: whole });
    t.same(kinds(rig.effects.splice(0)), ['limbo']);
    synced(rig, { inSync: false, instance: { ...whole, linkUp: false } });
    rig.done({ ...limbo, ...old, offset: 130 });
    t.match(writes(rig.effects), [
      { op: 'transfer', holder: { pod: 'redis-1' }, record: { goal: 130, decided: true } },
    ]);
    t.end();
  },
);

await t.test('HandingOver: Redis below 7.0: not drained within 500 ms, it is opened again', (t) => {
  const old = { version: '6.0.16' };
  const rig = Rig.leading();
  rig.see({ ...master, ...old });
  rig.feed({ kind: 'pods', pods: leaving });
  rig.done({ ...master, ...old, offset: 130 });
  const since = rig.now;
  rig.tick(since + 499);
  t.equal(rig.state.phase, 'HandingOver');
  rig.effects = [];
  rig.tick(since + 500);
  rig.tick(since + 500);
  t.equal(rig.state.phase, 'Leading');
  t.ok(kinds(rig.effects).includes('open'));
  rig.done({ ...master, ...old, offset: 130 });
  rig.tick(since + 1400);
  t.equal(rig.state.phase, 'Leading', 'writes go on for a second');
  rig.written('ok');
  synced(rig);
  rig.tick(since + 1500);
  t.equal(rig.state.phase, 'HandingOver');
  t.end();
});

await t.test(
  'HandingOver: Redis below 7.0: a swap that is not accepted for 800 ms is decided anew',
  (t) => {
    const old = { version: '6.0.16' };
    const rig = Rig.leading();
    rig.see({ ...master, ...old, offset: 100 });
    rig.feed({ kind: 'pods', pods: leaving });
    rig.done({ ...master, ...old, offset: 100 });
    rig.tick();
    rig.done({ ...limbo, ...old, offset: 100 });
    const since = rig.now;
    rig.state = { ...rig.state, validUntil: since + 10_000 };
    const look = (): void => {
      synced(rig);
      const op = rig.state.pendingWrite?.write.op;
      if (op !== undefined) rig.written(op === 'renew' ? 'ok' : 'error');
    };
    rig.pass(since + 800, look);
    t.equal(rig.state.phase, 'HandingOver');
    rig.pass(since + 900, look);
    t.equal(rig.state.phase, 'Deciding');
    t.end();
  },
);

await t.test('a person who stops the agent with its pod starts the hand-over as well', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'terminate' });
  t.equal(rig.state.phase, 'HandingOver');
  t.end();
});

await t.test('a hand-over needs a live, linked replica in sync that stays', (t) => {
  const linked = limboOf(1, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
  const useless: Partial<AgentReport>[] = [
    { inSync: false },
    { leaving: true },
    { instance: { ...linked, upstream: '10.0.0.9:6379' } },
    { instance: { ...linked, priority: 0 } },
    { instance: { ...linked, offset: 100 - 4 * 1024 * 1024 - 1 } },
  ];
  for (const report of useless) {
    const rig = Rig.leading();
    synced(rig, report);
    rig.feed({ kind: 'pods', pods: leaving });
    t.equal(rig.state.phase, 'Leading', JSON.stringify(Object.keys(report)));
  }
  const deaf = Rig.leading();
  deaf.feed({ kind: 'pods', pods: leaving }, deaf.now + 1600);
  t.equal(deaf.state.phase, 'Leading', 'it was not heard for 1.5 s');
  t.equal(begin().state.phase, 'HandingOver');
  t.end();
});

await t.test('HandingOver: another holder, no Lease, a later term or no validity fences', (t) => {
  const events = [
    (rig: Rig) => rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', term: 9 }) }),
    (rig: Rig) => rig.feed({ kind: 'lease', lease: null }),
    (rig: Rig) => synced(rig, { term: 9 }),
    (rig: Rig) => {
      rig.state = { ...rig.state, validUntil: rig.now };
      rig.tick();
    },
  ];
  for (const happens of events) {
    const rig = begin();
    happens(rig);
    t.equal(rig.state.phase, 'Fencing');
  }
  t.end();
});

await t.test('HandingOver: a Redis that went away is left as after any crash', (t) => {
  const gone = begin();
  gone.written('error');
  gone.frozen(1);
  gone.feed({ kind: 'redis', redis: silent(gone.now, true) });
  gone.tick(gone.now + 200);
  gone.written('ok');
  gone.effects = [];
  gone.tick();
  gone.tick();
  t.match(writes(gone.effects), [{ op: 'transfer', record: { goal: null } }]);
  t.end();
});

await t.test('HandingOver: a target that fell silent: this instance leads on', (t) => {
  const mute = begin();
  mute.written('error');
  mute.tick(mute.now + 1600);
  mute.written('ok');
  t.equal(mute.state.phase, 'Leading');
  t.end();
});
