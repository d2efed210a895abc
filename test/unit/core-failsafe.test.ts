// Failsafe (DESIGN 4, rule 20): the API server is silent, and every candidate promises to wait.

import t from 'tap';
import type { PodView } from '../../agent/core/model.ts';
import { leaseOf, recordOf } from '../../agent/core/view.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { SELF, master, candidate, lease, limboOf, Rig, synced, writes } from './core-rig.ts';

/** Leads from then on without an API server; `look` each 50 ms. The phase at the end. */
function outage(rig: Rig, untilMs: number, look: () => void): string {
  const start = rig.now;
  for (; rig.now < start + untilMs && rig.state.phase === 'Leading'; rig.now += 50) {
    look();
    rig.see(master);
  }
  return rig.state.phase;
}

/** What redis-1 promises in the round of which it hears; nobody is asked in round 0. */
const promise = (rig: Rig) => {
  const { round } = rig.state.failsafe;
  return round === 0 ? null : { agentId: SELF.agentId, round };
};

await t.test('failsafe: the holder stays master while every candidate promises', (t) => {
  const rig = Rig.leading();
  const willing = (): void => synced(rig, { promise: promise(rig) });
  t.equal(outage(rig, 60_000, willing), 'Leading');
  t.end();
});

await t.test('failsafe: it ends H after the start of the last unanimous round', (t) => {
  const rig = Rig.leading();
  outage(rig, 10_000, () => synced(rig, { promise: promise(rig) }));
  const { startedAt } = rig.state.failsafe;
  const late = rig.state.validUntil - startedAt;
  t.ok(late <= config.timing.validityMs, 'not from when the answers came');
  const { now } = rig;
  t.equal(
    outage(rig, 60_000, () => synced(rig)),
    'Fencing',
  );
  t.ok(rig.now - now <= config.timing.validityMs + 100);
  t.end();
});

await t.test('failsafe: a promise of an earlier round, or to another, is none', (t) => {
  const old = Rig.leading();
  const earlier = (): void => synced(old, { promise: { agentId: SELF.agentId, round: 1 } });
  t.equal(outage(old, 60_000, earlier), 'Fencing');
  const other = Rig.leading();
  const elsewhere = (): void =>
    synced(other, { promise: { agentId: 'x', round: other.state.failsafe.round } });
  t.equal(outage(other, 60_000, elsewhere), 'Fencing');
  t.end();
});

await t.test('failsafe: one candidate that does not answer ends it', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  const view = leaseOf(rig.state);
  if (view === null) return t.fail('no Lease');
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const record = { ...view.record, candidates };
  rig.feed({ kind: 'lease', lease: { ...view, resourceVersion: '50', record } });
  const { validUntil } = rig.state;
  t.equal(
    outage(rig, 60_000, () => synced(rig, { promise: promise(rig) })),
    'Fencing',
  );
  t.equal(rig.state.validUntil, validUntil, 'it prolongs nothing');
  t.end();
});

await t.test('rule 20: candidates of a write with an unknown result are asked as well', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  rig.now = rig.state.renewSentAt + 200;
  const instance = limboOf(2, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
  rig.peer(2, { role: 'replica', inSync: true, instance });
  t.match(writes(rig.effects).at(-1)?.record.candidates.length, 3);
  rig.written('timeout');
  t.equal(
    outage(rig, 60_000, () => synced(rig, { promise: promise(rig) })),
    'Fencing',
  );
  t.end();
});

await t.test(
  'failsafe: without any other candidate nobody promises, unless the pod is alone',
  (t) => {
    const begin = (pods: readonly PodView[]): Rig => {
      const rig = Rig.leading();
      rig.feed({ kind: 'pods', pods: [pod(0)] });
      rig.feed({ kind: 'pods', pods });
      const view = leaseOf(rig.state);
      if (view === null) return rig;
      const record = { ...view.record, candidates: [candidate(0)] };
      rig.feed({ kind: 'lease', lease: { ...view, resourceVersion: '50', record } });
      return rig;
    };
    const nothing = (): void => undefined;
    t.equal(outage(begin([pod(0), pod(1)]), 20_000, nothing), 'Fencing');
    t.equal(outage(begin([pod(0)]), 20_000, nothing), 'Leading');
    t.end();
  },
);

await t.test('failsafe: only the holder that a candidate knows gets its promise, for L', (t) => {
  const rig = Rig.fenced(lease());
  rig.now = 100;
  rig.peer(2, { failsafeRound: 7, agentId: 'p2' });
  t.equal(rig.state.promise, null);
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  t.match(rig.state.promise, { agentId: 'x', round: 7, until: 100 + config.timing.waitMs });
  rig.now = 200;
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  t.equal(rig.state.promise?.until, 100 + config.timing.waitMs, 'once for each round');
  rig.peer(1, { failsafeRound: 8, agentId: 'x' });
  t.equal(rig.state.promise?.until, 200 + config.timing.waitMs, 'and anew for the next');
  rig.peer(1, { failsafeRound: 0, agentId: 'x' });
  t.equal(rig.state.promise?.round, 8, 'who asks nothing gets nothing');
  t.end();
});

await t.test('rule 20: who has an unresolved swap does not promise', (t) => {
  const rig = Rig.fenced(lease());
  rig.see(limbo, 4000);
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  t.equal(rig.state.promise, null);
  t.end();
});

/** Renews for 4 s while redis-1 is silent and redis-2 is in sync, or is not; who is listed then. */
function listedAfterSilence(isOtherLive: boolean): readonly string[] {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  const instance = limboOf(2, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
  for (const end = rig.now + 4500; rig.now < end; rig.now += 50) {
    if (isOtherLive) rig.peer(2, { role: 'replica', inSync: true, instance });
    rig.see(master);
    if (rig.state.pendingWrite !== null) rig.written('ok');
  }
  return recordOf(rig.state).candidates.map(({ uid }) => uid);
}

await t.test('a candidate that was silent for 3 s is struck off', (t) => {
  t.same(listedAfterSilence(true), ['u0', 'u2']);
  t.end();
});

await t.test('rule 20: nobody is struck off while no other candidate lives', (t) => {
  t.same(listedAfterSilence(false), ['u0', 'u1']);
  t.end();
});
