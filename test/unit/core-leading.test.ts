// Row of Leading: what ends it, what it renews, and what it makes of changes of its own Redis.

import t from 'tap';
import { step } from '../../agent/core/step.ts';
import { recordOf } from '../../agent/core/view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import {
  SELF,
  master,
  candidate,
  named,
  lease,
  limboOf,
  silent,
  Rig,
  synced,
  writes,
} from './core-rig.ts';

await t.test('Leading: master, open, its replication id recorded', (t) => {
  const rig = Rig.leading();
  t.equal(rig.state.phase, 'Leading');
  t.equal(recordOf(rig.state).lineage.at(-1)?.replid, 'bbb');
  t.end();
});

await t.test('Leading: a Lease that could not be renewed for its validity fences at once', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'tick' }, rig.state.validUntil + 1);
  t.equal(rig.state.phase, 'Fencing');
  rig.feed({ kind: 'tick' }, rig.now + 1);
  t.match(
    rig.effects.filter(({ kind }) => kind === 'limbo'),
    [{ cutClients: true }],
  );
  t.end();
});

await t.test('Leading: another holder in the Lease fences at once', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', term: 9 }) });
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('rule 9: a later term on any stream deposes the leader', (t) => {
  const rig = Rig.leading();
  synced(rig, { term: 9 });
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('Fencing: limbo every 20 ms until it is confirmed, or Redis is gone', (t) => {
  const rig = Rig.leading();
  synced(rig, { term: 9 });
  rig.effects = [];
  rig.tick(rig.now + 1);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: true }]);
  rig.done(null, rig.now + 1);
  rig.tick(rig.now + 19);
  t.equal(rig.effects.length, 1);
  rig.tick(rig.now + 1);
  t.equal(rig.effects.length, 2);
  rig.done(limbo);
  t.equal(rig.state.phase, 'Fenced');
  const gone = Rig.leading();
  synced(gone, { term: 9 });
  gone.feed({ kind: 'redis', redis: silent(gone.now, true) });
  t.equal(gone.state.phase, 'Fenced');
  t.end();
});

await t.test('what may have been given away is not led any more', (t) => {
  const rig = Rig.leading();
  rig.peer(1, { role: 'limbo', frozenTerm: 99, instance: limboOf(1, { replid: 'bbb' }) });
  rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
  t.match(writes(rig.effects), [{ op: 'transfer' }]);
  rig.written('timeout');
  rig.see(master, rig.now + 10);
  t.equal(rig.state.phase, 'Fencing');
  t.end();
});

await t.test('the holder renews when it is due, with who and what it knows', (t) => {
  const rig = Rig.leading();
  const sent = rig.state.renewSentAt;
  rig.see(master, sent + config.timing.renewMs - 1);
  t.same(writes(rig.effects), []);
  synced(rig);
  rig.effects = [];
  rig.see({ ...master, offset: 300 }, sent + config.timing.renewMs);
  const [write] = writes(rig.effects);
  t.match(write, { op: 'renew', term: 1, holder: SELF });
  t.match(write?.record, {
    candidates: [candidate(0), candidate(1)],
    datasets: { 'redis-0': { volume: 'u0', replid: 'bbb', offset: 300 } },
  });
  t.end();
});

await t.test('rule 12: the volume of a pod that joins is recorded at once', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  rig.now = rig.state.renewSentAt + 200;
  rig.effects = [];
  rig.peer(2, { role: 'limbo', instance: limboOf(2, { keys: 0, replid: 'new' }) });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'renew', record: { datasets: { 'redis-2': { volume: 'u2', keys: 0 } } } });
  t.end();
});

await t.test('rule 22: a replica that is in sync becomes a candidate at once', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  rig.now = rig.state.renewSentAt + 200;
  rig.peer(2, { role: 'limbo', instance: limboOf(2, { keys: 0, replid: 'new' }) });
  rig.written('ok');
  rig.now += 200;
  rig.effects = [];
  const instance = limboOf(2, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
  rig.peer(2, { role: 'replica', instance });
  t.same(writes(rig.effects), [], 'link up is not in sync');
  rig.peer(2, { role: 'replica', instance, inSync: true });
  const uids = writes(rig.effects)[0]?.record.candidates.map(({ uid }) => uid);
  t.same(uids?.toSorted(), ['u0', 'u1', 'u2']);
  t.end();
});

await t.test('a new replication id of the same process extends the lineage at once', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.see({ ...master, replid: 'ccc' }, rig.now + 10);
  t.equal(rig.state.phase, 'Leading');
  const [write] = writes(rig.effects);
  t.match(write, { op: 'renew', term: 1 });
  t.match(write?.record.lineage.at(-1), { replid: 'ccc', term: 1 });
  t.end();
});

await t.test('Leading: a Redis that restarted as a master is fenced before anything else', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.see({ ...master, runId: 'another' }, rig.now + 10);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: true }]);
  rig.done({ ...limbo, runId: 'another' });
  t.equal(rig.state.phase, 'Deciding', 'then the group decides');
  t.end();
});

await t.test('Leading: a Redis that restarted and loads hands over, if anybody may lead', (t) => {
  const loading = { ...limbo, runId: 'another', loading: true };
  const rig = Rig.leading();
  rig.effects = [];
  rig.see(loading, rig.now + 10);
  t.match(writes(rig.effects), [{ op: 'transfer', holder: named(1), record: { decided: false } }]);
  const alone = Rig.leading();
  alone.feed({ kind: 'pods', pods: [pod(0)] });
  alone.effects = [];
  alone.see(loading, alone.now + 2000);
  t.match(writes(alone.effects), [{ op: 'renew' }]);
  t.end();
});

await t.test(
  'Leading: a master that was made a replica by hand is fenced and decided anew',
  (t) => {
    const rig = Rig.leading();
    rig.effects = [];
    rig.see({ ...master, role: 'replica', upstream: { host: '10.0.0.9', port: 1 } });
    t.match(rig.effects, [{ kind: 'limbo', cutClients: true }]);
    t.equal(rig.state.phase, 'Deciding');
    t.end();
  },
);

await t.test('Leading: a deleted Lease is restored with the same term', (t) => {
  const rig = Rig.leading();
  const term = rig.state.opened?.term;
  rig.effects = [];
  rig.feed({ kind: 'lease', lease: null });
  t.match(writes(rig.effects), [{ op: 'recreate', term, resourceVersion: '' }]);
  t.end();
});

await t.test('a deleted Lease is restored only while the holder is valid', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.feed({ kind: 'lease', lease: null }, rig.state.validUntil);
  t.equal(rig.state.phase, 'Fencing');
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('a report that says nothing new costs no look through the table', (t) => {
  const rig = Rig.leading();
  const isNews = (changes: Partial<AgentReport>): boolean => {
    const { state } = rig;
    const { instance } = state.peers.get('u1')?.report ?? { instance: null };
    const known = state.peers.get('u1')?.report;
    if (known === undefined || instance === null) throw new Error('redis-1 was not heard');
    const report = { ...known, clockMs: known.clockMs + 500, ...changes };
    return step(state, { kind: 'peer', report, startedEpochMs: 2000 }, rig.now).isNews;
  };
  t.notOk(isNews({}));
  t.notOk(isNews({ lagBytes: 5, apiRequests: 9 }));
  for (const change of [
    { role: 'limbo' },
    { inSync: false },
    { leaving: true },
    { refused: true },
    { frozenTerm: 3 },
    { promise: { agentId: 'x', round: 7 } },
    { finalOffset: { term: 1, offset: 7 } },
    { instance: null },
  ] as const) {
    t.ok(isNews(change), JSON.stringify(change));
  }
  t.end();
});
