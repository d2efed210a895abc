import t from 'tap';
import { type Dataset, mayBeOverwritten, positionOf, hasData } from '../../agent/core/lineage.ts';
import type { GroupRecord } from '../../agent/core/model.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';

const NONE = '0'.repeat(40);
const record: GroupRecord = {
  ...EMPTY_RECORD,
  lineage: [
    { replid: 'aaa', term: 1, start: 0 },
    { replid: 'bbb', term: 2, start: 100 },
  ],
  datasets: { 'redis-1': { volume: 'pvc/data-redis-1', replid: 'bbb', offset: 150, keys: 5 } },
};
const dataset = (changes: Partial<Dataset>): Dataset => ({
  pod: 'redis-1',
  volume: 'pvc/data-redis-1',
  replid: 'bbb',
  replid2: NONE,
  secondOffset: -1,
  offset: 160,
  keys: 5,
  aof: false,
  ...changes,
});

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
  t.same(snapshot, { index: 0.75, offset: 150 }, 'an RDB comes behind those that have the id');
  const keys = (record.datasets['redis-1']?.keys ?? 0) - 1;
  const older = positionOf({ ...reborn, keys }, record);
  t.ok(hasData(older), 'an older file is data still');
  t.ok((older?.index ?? 0) < 0, 'behind all whose descent is known');
  t.end();
});

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
