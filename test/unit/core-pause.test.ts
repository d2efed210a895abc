// A pause that a person asked for: nobody takes over from a master that fails, and nothing else changes.

import t from 'tap';
import { mayAcquire } from '../../agent/core/acquire.ts';
import { noticesOf } from '../../agent/core/notices.ts';
import type { AgentEvent, Instance, Pause } from '../../agent/core/model.ts';
import { pauseOf } from '../../agent/core/pause.ts';
import { reportOf } from '../../agent/core/report.ts';
import { step } from '../../agent/core/step.ts';
import { readPause } from '../../agent/kube/annotation-text.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { context, kinds, lease, named, Rig, silent, synced, writes } from './core-rig.ts';

const pause: Pause = { by: 'alice', reason: 'a new disk', until: 60_000 };
const asked: AgentEvent = { kind: 'pause', pause };
const crash: AgentEvent = { kind: 'redis', redis: silent(0, true) };

await t.test('a paused master whose Redis is gone keeps the Lease, and says why', (t) => {
  const rig = Rig.leading();
  rig.feed(asked);
  rig.effects = [];
  rig.frozen(1, { replid: 'bbb' });
  rig.feed(crash);
  t.same(
    writes(rig.effects).filter(({ op }) => op !== 'renew'),
    [],
  );
  t.equal(rig.state.phase, 'Leading');
  t.match(rig.state.reason, /paused by alice: waiting for it/);
  t.end();
});

await t.test('once it ends, by a person or by itself, the Lease is handed over', (t) => {
  const ends = [
    { event: { kind: 'pause', pause: null }, atMs: 0 },
    { event: { kind: 'tick' }, atMs: pause.until },
  ] as const;
  for (const { event, atMs } of ends) {
    const rig = Rig.leading();
    rig.feed(asked);
    rig.frozen(1, { replid: 'bbb' });
    rig.feed(crash);
    rig.effects = [];
    rig.state = { ...rig.state, pendingWrite: null, validUntil: pause.until + 1000 };
    rig.now = Math.max(rig.now, atMs - 1);
    rig.frozen(1, { replid: 'bbb' });
    t.same(
      writes(rig.effects).filter(({ op }) => op !== 'renew'),
      [],
      'not before',
    );
    rig.state = { ...rig.state, pendingWrite: null };
    rig.effects = [];
    rig.feed(event, Math.max(rig.now, atMs));
    rig.tick(rig.now + 20);
    t.match(writes(rig.effects), [{ op: 'transfer', holder: { pod: 'redis-1' } }]);
  }
  t.end();
});

await t.test('a loading master is waited for, too', (t) => {
  const rig = Rig.leading();
  rig.feed(asked);
  rig.frozen(1, { replid: 'bbb' });
  rig.effects = [];
  const instance = rig.state.redis?.reachable === true ? rig.state.redis.instance : undefined;
  if (instance === undefined) throw new Error('no Redis');
  rig.see({ ...instance, runId: 'another', role: 'replica', loading: true });
  t.same(
    writes(rig.effects).filter(({ op }) => op === 'transfer'),
    [],
  );
  t.match(rig.state.reason, /loading, and failover is paused by alice/);
  t.end();
});

await t.test('nobody acquires from a silent holder; a person may force it', (t) => {
  const record = { history: [{ term: 1, holder: 'redis-1', reason: '', at: '' }] };
  const rig = Rig.fenced(lease({ record }));
  const silentMs = config.timing.waitMs + 1000;
  const may = (at: number) => mayAcquire({ ...rig.state, now: at });
  t.equal(may(silentMs).may, true, 'without a pause');
  rig.feed(asked);
  t.match(may(silentMs), { may: false, reason: 'failover is paused by alice: a new disk' });
  t.equal(may(pause.until).may, true, 'when its time is over');
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', record, force: 1 }) });
  t.equal(may(silentMs).may, true, 'forced');
  t.end();
});

await t.test('who led last may lead again: its restart is no failover', (t) => {
  const record = { history: [{ term: 1, holder: 'redis-0', reason: '', at: '' }] };
  const rig = Rig.fenced(lease({ holder: null, record }));
  rig.feed(asked);
  t.equal(mayAcquire({ ...rig.state, now: config.timing.waitMs + 1000 }).may, true);
  t.end();
});

await t.test('a holder that decides waits for its own Redis', (t) => {
  const record = { history: [{ term: 1, holder: 'redis-0', reason: '', at: '' }] };
  const decider = (instance: Instance | null): Rig => {
    const rig = Rig.nominee(record);
    rig.feed(asked);
    rig.effects = [];
    if (instance === null) rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
    else rig.see(instance);
    rig.pass(rig.now + 2000, () => {
      rig.frozen(1);
      rig.tick();
    });
    return rig;
  };
  const gives = (rig: Rig) => writes(rig.effects).some(({ op }) => op === 'transfer');
  t.equal(gives(decider(null)), false, 'it is gone');
  t.equal(gives(decider({ ...limbo, loading: true })), false, 'it loads');
  const paused = decider(null);
  t.match(paused.state.reason, /paused by alice: waiting for the local Redis/);
  t.end();
});

await t.test('a group that never had a master is not kept from its first one', (t) => {
  const rig = Rig.fenced(lease({ holder: null, record: { lineage: [] } }));
  rig.feed(asked);
  t.equal(pauseOf(rig.state), null);
  t.end();
});

await t.test('a pod that ends while its Redis is gone gives the Lease away', (t) => {
  const rig = Rig.leading();
  rig.feed(asked);
  rig.frozen(1, { replid: 'bbb' });
  rig.feed({ kind: 'pods', pods: [{ ...pod(0), leaving: true }, pod(1)] });
  rig.state = { ...rig.state, pendingWrite: null, phase: 'Leading' };
  rig.effects = [];
  rig.feed(crash);
  t.match(writes(rig.effects), [{ op: 'transfer', holder: { pod: 'redis-1' } }]);
  t.end();
});

await t.test('planned changes go on: a switchover, and a pod that ends', (t) => {
  const switched = Rig.leading();
  switched.feed(asked);
  switched.effects = [];
  const request = { id: 'r1', target: null, term: 1, until: switched.now + 5000, by: 'bob' };
  switched.feed({ kind: 'request', request });
  t.match(writes(switched.effects), [{ op: 'transfer' }], 'a switchover');
  const ending = Rig.leading();
  ending.feed(asked);
  ending.effects = [];
  ending.feed({ kind: 'pods', pods: [{ ...pod(0), leaving: true }, pod(1)] });
  t.match(writes(ending.effects), [{ op: 'transfer' }], 'a pod that ends');
  t.end();
});

await t.test('a paused master is fenced as ever where its Lease ran out', (t) => {
  const rig = Rig.leading();
  rig.feed(asked);
  rig.tick(rig.state.validUntil + 1);
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('a master that refuses writes is kept, too', (t) => {
  const rig = Rig.leading({ failsOverUnwritable: true });
  synced(rig);
  rig.feed(asked);
  rig.effects = [];
  const redis = rig.state.redis;
  if (redis?.reachable !== true) throw new Error('no Redis');
  rig.see({ ...redis.instance, unwritable: 'aof' });
  rig.state = { ...rig.state, validUntil: 50_000 };
  rig.see({ ...redis.instance, unwritable: 'aof' }, rig.now + 20_000);
  t.equal(rig.state.phase, 'Leading');
  t.notOk(kinds(rig.effects).includes('limbo'));
  t.end();
});

await t.test('/state tells it, and the holder an Event at its beginning and its end', (t) => {
  const rig = Rig.leading();
  const told = (event: AgentEvent, atMs: number) => {
    const before = rig.state;
    const { state } = step(before, event, atMs);
    rig.state = state;
    return noticesOf(before, event, state);
  };
  t.match(told(asked, rig.now), [{ reason: 'Paused', note: /by alice for 1 min: a new disk/ }]);
  const at = (epochOffsetMs: number) => reportOf(rig.state, { ...context, epochOffsetMs }).paused;
  t.same(at(1000), { by: 'alice', reason: 'a new disk', until: new Date(61_000).toISOString() });
  t.match(told({ kind: 'pause', pause: null }, rig.now), [{ reason: 'Resumed', note: /alice/ }]);
  t.equal(at(0), null);
  const replica = Rig.fenced(lease({ holder: named(1) }));
  const before = replica.state;
  t.same(noticesOf(before, asked, step(before, asked, 1).state), [], 'others are silent');
  t.end();
});

await t.test('what cannot be read names the field, its value and the remedy', (t) => {
  const good = { by: 'alice', reason: 'why', expires: '2026-01-31T12:00:00Z' };
  t.match(readPause(JSON.stringify(good)), { by: 'alice', expiresEpochMs: 1769860800000 });
  t.match(readPause(JSON.stringify({ ...good, reason: undefined })), { reason: '' });
  t.match(readPause('soon'), /^soon: write a JSON object/);
  t.match(readPause(JSON.stringify({ ...good, by: '' })), /^by="": name who asks/);
  t.match(readPause(JSON.stringify({ ...good, reason: 7 })), /^reason=7: why, in at most/);
  for (const expires of ['soon', '+275760-09-13T00:00:00Z', '+010000-01-01T00:00:00Z']) {
    t.match(readPause(JSON.stringify({ ...good, expires })), /^expires="[^"]*": a time such/);
  }
  t.end();
});
