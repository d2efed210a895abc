// What the holder writes into the record, and what it never writes.

import t from 'tap';
import type { GroupRecord } from '../../agent/core/model.ts';
import { nextDatasets } from '../../agent/core/record.ts';
import { recordOf } from '../../agent/core/view.ts';
import type { AgentReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { master, candidate, lease, limboOf, Rig, writes } from './core-rig.ts';

await t.test('rule 22: candidates are linked, in sync, of the same id, and stay', (t) => {
  const linked = limboOf(1, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
  const useless: Partial<AgentReport>[] = [
    { inSync: false, instance: linked },
    { leaving: true, instance: linked, inSync: true },
    { instance: { ...linked, replid: 'zzz' }, inSync: true },
  ];
  for (const report of useless) {
    const rig = Rig.leading();
    rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
    rig.now = rig.state.renewSentAt + config.timing.renewMs;
    rig.effects = [];
    rig.peer(2, { role: 'replica', ...report, instance: report.instance ?? linked });
    const uids = writes(rig.effects)[0]?.record.candidates.map(({ uid }) => uid);
    t.same(uids, ['u0', 'u1']);
  }
  t.end();
});

await t.test('a candidate whose pod is gone is struck off at once', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.feed({ kind: 'pods', pods: [pod(0)] }, rig.state.renewSentAt + config.timing.renewMs);
  t.same(writes(rig.effects)[0]?.record.candidates, [candidate(0)]);
  t.end();
});

await t.test('foreign data are never recorded', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2)] });
  rig.now = rig.state.renewSentAt + config.timing.renewMs;
  rig.effects = [];
  rig.peer(2, { role: 'limbo', instance: limboOf(2, { replid: 'zzz' }) });
  t.same(Object.keys(writes(rig.effects)[0]?.record.datasets ?? {}).toSorted(), [
    'redis-0',
    'redis-1',
  ]);
  t.end();
});

/** The record of the first renewal after a promotion. */
function opened(record: Partial<GroupRecord>, promoted = master): GroupRecord | undefined {
  const rig = Rig.nominee({ basisMs: 0, candidates: [candidate(0)], ...record }, [pod(0)]);
  rig.tick(5);
  rig.done(promoted, 10);
  rig.effects = [];
  rig.done(promoted, 20);
  return writes(rig.effects)[0]?.record;
}

await t.test('rule 4: the goal is void once writes were opened', (t) => {
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const record = opened({ goal: 50, previous });
  t.match(record, { goal: null, previous: null, basisMs: null });
  t.end();
});

await t.test('the id of a promotion is recorded at once, after its parent', (t) => {
  const record = opened({});
  t.same(record?.lineage, [
    { replid: 'aaa', term: 1, start: 0 },
    { replid: 'bbb', term: 2, start: 101 },
  ]);
  t.end();
});

await t.test('the id under which the data went before comes along', (t) => {
  const record = opened({}, { ...master, replid2: 'between' });
  t.same(
    record?.lineage.map(({ replid }) => replid),
    ['aaa', 'between', 'bbb'],
  );
  t.match(record?.datasets, { 'redis-0': { replid: 'bbb' } }, 'and so do the data');
  t.end();
});

await t.test('the history is of the last 20 terms, and keeps who opened writes last', (t) => {
  const history = Array.from({ length: 20 }, (_, n) => ({
    term: n + 1,
    holder: `redis-${n % 3}`,
    reason: '',
    at: '',
  }));
  const rig = Rig.fenced(lease({ holder: null, term: 20, record: { history } }));
  const terms = writes(rig.effects)[0]?.record.history.map(({ term }) => term);
  t.equal(terms?.length, 20);
  t.equal(terms?.[0], 1, 'the newest id is of term 1');
  t.same(terms?.slice(1), [3, ...Array.from({ length: 18 }, (_, n) => n + 4)]);
  t.end();
});

await t.test(
  'an older file does not overwrite what its volume was known to hold, until somebody leads',
  (t) => {
    const datasets = { 'redis-1': { volume: 'u1', replid: 'aaa', offset: 900, keys: 50 } };
    const file = limboOf(1, { offset: 10, keys: 5 });
    const deciding = Rig.nominee({ datasets });
    deciding.frozen(1, file);
    t.match(nextDatasets(deciding.state, recordOf(deciding.state)), datasets);
    const leading = Rig.leading();
    leading.peer(1, { role: 'limbo', instance: file });
    const record = { ...recordOf(leading.state), datasets };
    t.match(nextDatasets(leading.state, record), { 'redis-1': { offset: 10, keys: 5 } });
    t.end();
  },
);

await t.test('rule 6: a holder whose Redis restarted does not list the new process', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.see({ ...limbo, runId: 'run0-again', offset: 0 });
  rig.tick(rig.state.renewSentAt + config.timing.renewMs);
  const [write] = writes(rig.effects);
  t.equal(write?.record.candidates.find(({ uid }) => uid === 'u0')?.runId, 'run0');
  t.end();
});
