// What the answer to a Lease write or to a role command tells, and what a newer Lease does.

import t from 'tap';
import { config, limbo, pod } from './core-fixtures.ts';
import { lease, master, Rig, SELF } from './core-rig.ts';

/** Leads, and has sent a renewal at `sentAt`. */
function renewing(): { rig: Rig; sentAt: number } {
  const rig = Rig.leading();
  const sentAt = rig.state.renewSentAt + config.timing.renewMs;
  rig.see(master, sentAt);
  return { rig, sentAt };
}

await t.test('a renewal is valid from before it was sent, and ends what failed before', (t) => {
  const { rig, sentAt } = renewing();
  const problem = 'RO_KUBE_DENIED: before';
  rig.state = { ...rig.state, problem, writeFailures: 3, attempted: new Set(['u9']) };
  rig.written('ok', sentAt + 300);
  t.match(rig.state, {
    renewSentAt: sentAt,
    validUntil: sentAt + config.timing.validityMs,
    writeFailures: 0,
    problem: null,
  });
  t.equal(rig.state.attempted.size, 0);
  const other = renewing().rig;
  other.state = { ...other.state, problem: 'another' };
  other.written('ok');
  t.equal(other.state.problem, 'another');
  t.end();
});

await t.test('a validity that lasts longer is not shortened by a renewal', (t) => {
  const { rig, sentAt } = renewing();
  rig.state = { ...rig.state, validUntil: sentAt + 90_000 };
  rig.written('ok');
  t.equal(rig.state.validUntil, sentAt + 90_000);
  t.end();
});

await t.test('an answer to another write than the last one tells nothing', (t) => {
  const { rig } = renewing();
  const before = rig.state.validUntil;
  const id = rig.state.pendingWrite?.id ?? 0;
  rig.feed({ kind: 'lease-written', id: id - 1, outcome: 'ok', lease: null });
  t.equal(rig.state.pendingWrite?.id, id);
  t.equal(rig.state.validUntil, before);
  t.end();
});

await t.test('writes that failed are counted; a conflict that shows the Lease is none', (t) => {
  const failures = (outcome: 'timeout' | 'conflict', isShown: boolean): number => {
    const { rig } = renewing();
    rig.state = { ...rig.state, writeFailures: 2 };
    const id = rig.state.pendingWrite?.id ?? 0;
    const view = lease({ resourceVersion: '99', holder: SELF, term: 1 });
    rig.feed({ kind: 'lease-written', id, outcome, lease: isShown ? view : null });
    t.equal(rig.state.writeFailedAt, rig.now);
    return rig.state.writeFailures;
  };
  t.equal(failures('timeout', false), 3);
  t.equal(failures('conflict', false), 3);
  t.equal(failures('conflict', true), 0);
  t.end();
});

await t.test('a conflict decides an unknown swap only where it shows the Lease', (t) => {
  const isUnsure = (isShown: boolean): boolean => {
    const { rig } = renewing();
    rig.state = { ...rig.state, phase: 'HandingOver', unsure: true };
    const id = rig.state.pendingWrite?.id ?? 0;
    const { lease: known } = rig.state;
    if (known.kind !== 'present') throw new Error('no Lease');
    const view = isShown ? known.lease : null;
    rig.feed({ kind: 'lease-written', id, outcome: 'conflict', lease: view });
    return rig.state.unsure;
  };
  t.equal(isUnsure(false), true);
  t.equal(isUnsure(true), false);
  t.end();
});

await t.test('a write that is denied is told, and a hand-over that was, rests', (t) => {
  const { rig } = renewing();
  rig.written('denied');
  t.match(rig.state.problem, /^RO_KUBE_DENIED: /);
  t.equal(rig.state.handoverFailedAt, Number.NEGATIVE_INFINITY);
  const giving = Rig.leading();
  giving.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(1)] });
  t.equal(giving.state.phase, 'HandingOver');
  giving.written('denied');
  t.equal(giving.state.handoverFailedAt, giving.now);
  t.end();
});

await t.test('an older version of the Lease than is known tells nothing', (t) => {
  const rig = Rig.fenced(lease({ resourceVersion: '10', term: 3 }));
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '9', term: 2 }) });
  t.match(rig.state.lease, { lease: { resourceVersion: '10', term: 3 } });
  t.end();
});

await t.test('a newer Lease ends what was attempted, unless a write is under way', (t) => {
  const attempted = (isPending: boolean): number => {
    const { rig } = renewing();
    if (!isPending) rig.written('timeout');
    rig.state = { ...rig.state, attempted: new Set(['u9']) };
    rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', holder: SELF, term: 1 }) });
    return rig.state.attempted.has('u9') ? 1 : 0;
  };
  t.equal(attempted(true), 1);
  t.equal(attempted(false), 0);
  t.end();
});

await t.test('no Lease: it is absent since it first was, with what it said', (t) => {
  const rig = Rig.fenced(lease({ term: 5 }));
  rig.feed({ kind: 'lease', lease: null }, 100);
  rig.feed({ kind: 'lease', lease: null }, 200);
  t.match(rig.state.lease, { kind: 'absent', since: 100, last: { term: 5 } });
  t.end();
});

await t.test('the term of the group is the one that an agent first heard of', (t) => {
  const rig = Rig.fenced(lease({ term: 5 }));
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', term: 6 }) });
  t.equal(rig.state.firstTerm, 5);
  const absent = new Rig();
  absent.peer(1, { term: 4 });
  absent.feed({ kind: 'lease', lease: null });
  t.equal(absent.state.firstTerm, 4);
  t.end();
});

await t.test('a later term that a deciding holder learns of begins its waits anew', (t) => {
  const rig = Rig.nominee();
  rig.now = 200;
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '13', holder: SELF, term: 2 }) });
  t.equal(rig.state.phaseSince, 0, 'the same term does not');
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '14', holder: SELF, term: 3 }) });
  t.match(rig.state, { phase: 'Deciding', phaseSince: 200 });
  t.end();
});

await t.test('the answer to another role command than the last one tells nothing', (t) => {
  const rig = Rig.fenced(lease());
  const pending = rig.state.pendingRedis;
  rig.feed({ kind: 'redis-done', id: 999, result: { ok: true, instance: master } });
  t.same(rig.state.pendingRedis, pending);
  t.match(rig.state.redis, { instance: { role: 'replica' } });
  t.end();
});

await t.test('a role command that took Redis out of limbo ends its promise', (t) => {
  const rig = Rig.fenced(lease());
  rig.state = { ...rig.state, frozenTerm: 1 };
  rig.done({ ...limbo, upstream: { host: '10.0.0.1', port: 6379 } });
  t.equal(rig.state.frozenTerm, null);
  t.end();
});

await t.test('what fails is remembered by what it was: a promotion, or anything', (t) => {
  const begin = (kind: 'promote' | 'open' | 'guard', phase: 'Promoting' | 'Leading') => {
    const rig = Rig.leading();
    rig.state = { ...rig.state, phase, pendingRedis: { id: 900, kind, sentAt: 0 } };
    rig.done(null, rig.now + 5);
    return { ...rig.state, ago: rig.now - rig.state.promoteFailedAt };
  };
  t.match(begin('promote', 'Promoting'), { ago: 0, promoteFailures: 1, phase: 'Fencing' });
  t.match(begin('open', 'Promoting'), { ago: 0, promoteFailures: 0, phase: 'Fencing' });
  t.match(begin('open', 'Leading'), { ago: 0, phase: 'Leading' });
  t.match(begin('promote', 'Leading'), { promoteFailures: 0, problem: null });
  t.match(begin('guard', 'Leading'), { ago: Number.POSITIVE_INFINITY, isGuarded: true });
  t.end();
});

await t.test('opened: writes are no more refused, and a problem of the promotion is over', (t) => {
  const rig = Rig.leading();
  const pendingRedis = { id: 900, kind: 'open', sentAt: 0, isolated: true } as const;
  const problem = 'RO_REDIS_COMMAND_DENIED: before';
  rig.state = { ...rig.state, phase: 'Promoting', isGuarded: true, pendingRedis, problem };
  rig.state = { ...rig.state, promoteFailures: 2, opened: null };
  rig.done({ ...master, runId: 'run7', replid: 'ccc' });
  t.match(rig.state, { isGuarded: false, isIsolated: true, problem: null, promoteFailures: 0 });
  t.same(rig.state.opened, { term: 1, runId: 'run7', replid: 'ccc' });
  t.equal(rig.state.phase, 'Leading');
  t.end();
});

await t.test('a limbo that was confirmed is where a hand-over stopped, and no other is', (t) => {
  for (const phase of ['HandingOver', 'Fencing'] as const) {
    const rig = Rig.leading();
    rig.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(1)] });
    rig.state = { ...rig.state, phase, pendingRedis: { id: 900, kind: 'limbo', sentAt: 0 } };
    rig.done({ ...limbo, offset: 120 });
    t.equal(rig.state.stoppedAt, phase === 'HandingOver' ? rig.now : null);
  }
  const failed = Rig.leading();
  failed.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(1)] });
  failed.state = { ...failed.state, pendingRedis: { id: 900, kind: 'limbo', sentAt: 0 } };
  failed.done(null);
  t.equal(failed.state.stoppedAt, null);
  t.end();
});
