import t from 'tap';
import {
  compareFreshness,
  type Dataset,
  hasData,
  lackOf,
  mayBeOverwritten,
  positionOf,
  withOrigin,
} from '../../agent/core/lineage.ts';
import type { GroupRecord } from '../../agent/core/model.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import { dataset, NONE, record } from './lineage-fixtures.ts';

await t.test('the newer id wins, whatever the offsets', (t) => {
  t.same(positionOf(dataset({}), record), { index: 1, offset: 160 });
  t.same(positionOf(dataset({ replid: 'aaa', offset: 999 }), record), { index: 0, offset: 999 });
  t.end();
});

await t.test('rule 10: an unknown id ranks as its recorded parent, up to where it left it', (t) => {
  const child = dataset({ replid: 'ccc', replid2: 'bbb', secondOffset: 121, offset: 500 });
  t.same(positionOf(child, record), { index: 1, offset: 120.5 });
  t.end();
});

await t.test('rule 11: an AOF restart is ranked by what its volume held', (t) => {
  const reborn = dataset({ replid: 'zzz', offset: 0, aof: true });
  t.same(positionOf(reborn, record), { index: 1, offset: 150 });
  t.equal(positionOf({ ...reborn, volume: 'pvc/other' }, record), null, 'another volume');
  t.same(positionOf({ ...reborn, keys: 0 }, record), { index: -1, offset: 0 }, 'emptied');
  const snapshot = positionOf({ ...reborn, aof: false }, record);
  t.same(snapshot, { index: 1, offset: 149.75 }, 'an RDB comes behind those that have the id');
  const keys = (record.datasets['redis-1']?.keys ?? 0) - 1;
  const older = positionOf({ ...reborn, keys }, record);
  t.ok(hasData(older), 'an older file is data still');
  t.ok((older?.index ?? 0) < 0, 'behind all whose descent is known');
  t.end();
});

await t.test(
  'rule 11: files of one id are compared by their offsets, whatever was recorded',
  (t) => {
    const older = dataset({ offset: 140, keys: 4 });
    t.same(positionOf(older, record), { index: 1, offset: 140 });
    const earlier = dataset({ pod: 'redis-2', volume: 'v2', offset: 100, keys: 5 });
    const volumes = { 'redis-2': { volume: 'v2', replid: 'ccc', offset: 900, keys: 9 } };
    const within = { ...record, datasets: { ...record.datasets, ...volumes } };
    const [mine, other] = [positionOf(older, within), positionOf(earlier, within)];
    t.ok(mine !== null && other !== null && compareFreshness(mine, other) < 0);
    t.end();
  },
);

await t.test('data of unknown descent have no position', (t) => {
  t.equal(positionOf(dataset({ pod: 'redis-9', replid: 'zzz' }), record), null);
  t.end();
});

await t.test('I8: foreign data are overwritten only where a person named them', (t) => {
  const foreign = dataset({ pod: 'redis-9', volume: 'uid-9', replid: 'zzz' });
  const target = { replid: 'bbb', replid2: NONE };
  t.equal(mayBeOverwritten(foreign, record, target, null), false);
  t.equal(mayBeOverwritten(foreign, record, target, 'yyy'), false, 'other data were named');
  t.equal(mayBeOverwritten(foreign, record, target, 'zzz'), true);
  t.equal(mayBeOverwritten({ ...foreign, keys: 0 }, record, target, null), true, 'empty');
  t.equal(mayBeOverwritten(dataset({ replid: 'aaa' }), record, target, null), true, 'an ancestor');
  t.equal(
    mayBeOverwritten(dataset({ replid: 'aaa' }), EMPTY_RECORD, target, null),
    false,
    'no record',
  );
  t.end();
});

await t.test('after an AOF restart of all, who opened writes last outranks everybody', (t) => {
  const history = [
    { term: 2, holder: 'redis-1', reason: '', at: '' },
    { term: 3, holder: 'redis-0', reason: 'acquired, never promoted', at: '' },
  ];
  const stale = { 'redis-1': { volume: 'pvc/data-redis-1', replid: 'aaa', offset: 1, keys: 0 } };
  const reborn = dataset({ replid: 'zzz', offset: 0, aof: true });
  const position = positionOf(reborn, { ...record, history, datasets: stale });
  t.ok((position?.index ?? 0) > 1, 'also where its own entry is old');
  t.end();
});

await t.test('rule 10: of two equal data the child has more', (t) => {
  const parent = dataset({ offset: 120 });
  const child = dataset({ replid: 'ccc', replid2: 'bbb', secondOffset: 121, offset: 500 });
  const order = (a: Dataset, b: Dataset): number => {
    const [mine, other] = [positionOf(a, record), positionOf(b, record)];
    return mine === null || other === null ? Number.NaN : compareFreshness(mine, other);
  };
  t.ok(order(child, parent) < 0);
  t.ok(order(parent, { ...child, offset: 120 }) === 0, 'not one that has written nothing since');
  t.ok(order({ ...parent, offset: 121 }, child) < 0, 'less than any offset differs');
  t.end();
});

await t.test('rule 10: the unrecorded child of a term of its own outranks its parent', (t) => {
  const history = [
    { term: 2, holder: 'redis-0', reason: '', at: '' },
    { term: 3, holder: 'redis-1', reason: 'promoted, and never recorded', at: '' },
  ];
  const child = dataset({ replid: 'ccc', replid2: 'bbb', secondOffset: 121, offset: 130 });
  const position = positionOf(child, { ...record, history });
  t.ok((position?.index ?? 0) > 1, 'above the newest id');
  t.ok((position?.index ?? 9) < 2, 'and below one that is recorded next');
  t.equal(position?.offset, 130, 'all that it has counts');
  const other = positionOf({ ...child, pod: 'redis-2' }, { ...record, history });
  t.same(other, { index: 1, offset: 120.5 }, 'not of a pod that had no such term');
  const lineage = [...record.lineage, { replid: 'ddd', term: 3, start: 0 }];
  const recorded = positionOf(child, { ...record, lineage, history });
  t.equal(recorded?.index, 1, 'nor where an id of that term is recorded');
  t.end();
});

await t.test('rule 10: a term that was left without any promotion has no child', (t) => {
  const child = dataset({ replid: 'ccc', replid2: 'bbb', secondOffset: 121, offset: 130 });
  const entry = { holder: 'redis-1', reason: '', at: '' };
  const left = { term: 4, ...entry, unopened: true as const };
  const position = positionOf(child, { ...record, history: [left] });
  t.same(position, { index: 1, offset: 120.5 }, 'somebody else promoted it');
  const earlier = positionOf(child, { ...record, history: [{ term: 3, ...entry }, left] });
  t.ok((earlier?.index ?? 0) > 1, 'an earlier term, in which it may have led, counts still');
  t.end();
});

await t.test('rule 11: what became master twice by another hand is no file', (t) => {
  const twice = dataset({ replid: 'zzz', replid2: 'yyy', secondOffset: 155, offset: 156 });
  t.same(positionOf(twice, record), { index: 1, offset: 150 }, 'it has what was recorded');
  const stale = positionOf(dataset({ pod: 'redis-2', offset: 0 }), record);
  const mine = positionOf(twice, record);
  t.ok(stale !== null && mine !== null && compareFreshness(mine, stale) < 0);
  t.end();
});

await t.test(
  'rule 11: of AOF restarts that were recorded alike, who has more keys comes first',
  (t) => {
    const restart = dataset({ replid: 'zzz', offset: 0, aof: true, keys: 6 });
    const more = positionOf({ ...restart, keys: 7 }, record);
    const less = positionOf(restart, record);
    t.ok(more !== null && less !== null && compareFreshness(more, less) < 0);
    t.ok((more?.offset ?? 151) < 151, 'less than any offset differs');
    t.end();
  },
);

await t.test(
  'rule 11: a snapshot without known id is of the last term in which its pod led',
  (t) => {
    const snapshot = dataset({ replid: 'zzz', offset: 0 });
    const history = [{ term: 3, holder: 'redis-1', reason: 'never recorded', at: '' }];
    const position = positionOf(snapshot, { ...record, history });
    t.same(position, { index: 1.75, offset: 149.75 }, 'only a master saves it');
    const aof = positionOf({ ...snapshot, aof: true }, { ...record, history });
    t.same(aof, { index: 1, offset: 150 }, 'an AOF tells nothing of its master');
    const fewer = positionOf({ ...snapshot, keys: 4 }, { ...record, history });
    t.ok((fewer?.index ?? 0) < 0, 'nor one with fewer keys');
    t.end();
  },
);

await t.test('rule 11: a volume that was recorded new and empty held nothing before', (t) => {
  const history = [{ term: 2, holder: 'redis-1', reason: '', at: '' }];
  const blank = { volume: 'pvc/data-redis-1', replid: 'fresh', offset: 0, keys: 0 };
  const reborn = dataset({ replid: 'zzz', offset: 0, aof: true, keys: 2 });
  const position = positionOf(reborn, { ...record, history, datasets: { 'redis-1': blank } });
  t.ok(hasData(position), 'what it holds now is data');
  t.ok((position?.index ?? 0) < 0, 'behind all whose descent is known, though its namesake led');
  t.end();
});

await t.test('a snapshot stays ahead of an older file once its id is recorded', (t) => {
  const volumes = { 'redis-2': { volume: 'v2', replid: 'bbb', offset: 150, keys: 5 } };
  const datasets = { ...record.datasets, ...volumes };
  const snapshot = dataset({ replid: 'zzz', offset: 0 });
  const older = dataset({ pod: 'redis-2', volume: 'v2', offset: 140, keys: 4 });
  const isAhead = (within: GroupRecord): boolean => {
    const [mine, other] = [positionOf(snapshot, within), positionOf(older, within)];
    return mine !== null && other !== null && compareFreshness(mine, other) < 0;
  };
  t.ok(isAhead({ ...record, datasets }));
  const lineage = withOrigin(snapshot, { ...record, datasets });
  t.ok(isAhead({ ...record, datasets, lineage }));
  const whole = positionOf(dataset({}), { ...record, datasets, lineage });
  const mine = positionOf(snapshot, { ...record, datasets, lineage });
  t.ok(whole !== null && mine !== null && compareFreshness(whole, mine) < 0, 'and behind the id');
  t.equal(mine?.offset, positionOf(snapshot, { ...record, datasets })?.offset, 'where it was');
  t.end();
});

await t.test('an id is recorded at the place that its data had without it', (t) => {
  const ids = (data: Dataset): string[] => withOrigin(data, record).map(({ replid }) => replid);
  const child = dataset({ replid: 'ccc', secondOffset: 50, replid2: 'bbb' });
  t.same(ids({ ...child, replid2: 'aaa' }), ['ccc', 'aaa', 'bbb'], 'among those of its parent');
  const within = { ...record, lineage: withOrigin(child, record) };
  const before = positionOf(child, record);
  const after = positionOf(child, within);
  t.same(after, { index: 2, offset: before?.offset, beyond: 160 }, 'at that offset of its parent');
  const further = positionOf({ ...child, offset: child.offset + 1 }, within);
  t.ok(further !== null && after !== null && compareFreshness(further, after) < 0);
  t.ok(further !== null && after !== null && lackOf(after, further) === 1, 'and by so much');
  const parent = positionOf(dataset({ offset: 50 }), within);
  t.ok(parent !== null && after !== null && compareFreshness(parent, after) < 0);
  const second = { ...child, replid: 'ddd', offset: 60 };
  const both = { ...record, lineage: withOrigin(second, within) };
  t.same(positionOf(child, both), { ...after, index: 3 }, 'also where another comes between');
  const opened = dataset({ replid: 'new', replid2: 'zzz', secondOffset: 3 });
  const history = [{ term: 3, holder: 'redis-1', reason: '', at: '' }];
  const lineage = withOrigin(opened, { ...record, history });
  t.equal(lineage.at(-1)?.replid, 'new', 'above what was opened before it');
  t.same(ids(dataset({ replid: 'new', keys: 0 })), ['new', 'aaa', 'bbb'], 'empty: below all');
  t.end();
});

await t.test('the lineage is of 30 ids at most, the newest last', (t) => {
  const lineage = Array.from({ length: 30 }, (_, n) => ({ replid: `r${n}`, term: n, start: 0 }));
  const child = dataset({ replid: 'ccc', replid2: 'r29', secondOffset: 50 });
  const next = withOrigin(child, { ...record, lineage });
  t.equal(next.length, 30);
  t.same(
    next.slice(-2).map(({ replid }) => replid),
    ['ccc', 'r29'],
  );
  t.equal(next[0]?.replid, 'r1');
  t.end();
});
