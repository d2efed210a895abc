// Where data stand whose id nobody recorded, and files that are older than what was recorded.

import t from 'tap';
import {
  isFresher,
  isOlderFile,
  positionOf,
  recordedPosition,
  withOrigin,
} from '../../agent/core/lineage.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import { dataset, record } from './lineage-fixtures.ts';

const term = (n: number, holder: string) => ({ term: n, holder, reason: '', at: '' });
const openedByOne = { ...record, history: [term(2, 'redis-1')] };
const child = dataset({ replid: 'ccc', replid2: 'bbb', secondOffset: 121, offset: 130 });
/** An AOF or a snapshot that lost its id, with as many keys as were recorded. */
const lost = (changes = {}) => dataset({ replid: 'zzz', offset: 0, ...changes });

await t.test('an id that no promotion made, as of adopted data, stands at its own place', (t) => {
  const lineage = [{ replid: 'aaa', term: 0, start: 0 }, ...record.lineage.slice(1)];
  const adopted = { ...record, lineage };
  t.same(positionOf(dataset({ replid: 'aaa' }), adopted), { index: 0, offset: 160 });
  const born = { ...child, replid2: 'aaa' };
  t.same(positionOf(born, adopted), { index: 0, offset: 120.5 }, 'and so does its child');
  const datasets = {
    'redis-1': { volume: 'pvc/data-redis-1', replid: 'aaa', offset: 150, keys: 5 },
  };
  const snapshot = positionOf(lost(), { ...adopted, datasets });
  t.same(snapshot, { index: 0, offset: 149.75 }, 'and a snapshot');
  t.end();
});

await t.test('rule 10: a term before that of its parent made no child of it', (t) => {
  const lineage = [
    { replid: 'aaa', term: 1, start: 0 },
    { replid: 'bbb', term: 3, start: 100 },
  ];
  const before = { ...record, lineage, history: [term(2, 'redis-1')] };
  t.same(positionOf(child, before), { index: 1, offset: 120.5 });
  t.same(positionOf(lost(), before), { index: 1, offset: 149.75 }, 'nor a snapshot of it');
  const older = positionOf({ ...child, replid2: 'aaa' }, before);
  t.same(older, { index: 0.75, offset: 130 }, 'one of that term is below what was opened next');
  t.end();
});

await t.test('rule 11: a snapshot of who opened writes last is no more than its entry', (t) => {
  t.same(positionOf(lost(), openedByOne), { index: 1, offset: 149.75 });
  const grown = positionOf(lost({ keys: 6 }), openedByOne);
  t.same(grown, { index: 1, offset: 150.25 }, 'unless it has more keys');
  t.end();
});

await t.test('rule 11: an id that is too old for the lineage stands with the oldest', (t) => {
  const entry = { volume: 'pvc/data-redis-1', replid: 'forgotten', offset: 150, keys: 5 };
  const position = positionOf(lost({ aof: true }), { ...record, datasets: { 'redis-1': entry } });
  t.same(position, { index: 0, offset: 150 });
  t.end();
});

await t.test('rule 11: an older file comes by what its volume was known to hold', (t) => {
  const fewer = lost({ aof: true, keys: 4 });
  const of = (replid: string, keys = 5) => ({
    'redis-1': { volume: 'pvc/data-redis-1', replid, offset: 150, keys },
  });
  /** In sixths of the step below the oldest id. */
  const place = (datasets: typeof record.datasets, history = record.history): number =>
    Math.round(((positionOf(fewer, { ...record, datasets, history })?.index ?? 0) + 1) * 6);
  t.equal(place(of('aaa')), 2);
  t.equal(place(of('bbb')), 4);
  t.equal(place(of('bbb'), openedByOne.history), 5, 'and by who opened writes last');
  t.equal(place(of('new', 0), openedByOne.history), 2, 'not a volume that was recorded empty');
  t.end();
});

await t.test('an older file has fewer keys than were recorded, of an older id or offset', (t) => {
  t.equal(isOlderFile(dataset({ keys: 4, replid: 'aaa' }), record), true);
  t.equal(isOlderFile(dataset({ keys: 4, offset: 149 }), record), true);
  t.equal(isOlderFile(dataset({ keys: 4, offset: 150 }), record), false, 'keys were deleted');
  t.equal(isOlderFile(dataset({ keys: 5, offset: 149 }), record), false, 'nothing is lacking');
  t.equal(isOlderFile(dataset({ keys: 4, offset: 1, volume: 'pvc/other' }), record), false);
  const entry = { volume: 'pvc/data-redis-1', replid: 'aaa', offset: 150, keys: 5 };
  const newer = isOlderFile(dataset({ keys: 4, offset: 1 }), {
    ...record,
    datasets: { 'redis-1': entry },
  });
  t.equal(newer, false, 'of a newer id');
  t.end();
});

await t.test('a volume that is missing stands where the record has it', (t) => {
  const entry = { volume: 'pvc/data-redis-1', replid: 'aaa', offset: 150, keys: 5 };
  const place = (best: string, replid = 'aaa') =>
    recordedPosition('redis-1', { ...entry, replid }, dataset({ replid: best }), openedByOne);
  t.same(place('bbb'), { index: 0, offset: 150 });
  t.same(place('aaa'), { index: 0, offset: 150 }, 'beside the oldest id as well');
  t.same(place('zzz'), { index: 1.5, offset: 150 }, 'who opened writes last, where all lost ids');
  const other = recordedPosition('redis-2', entry, dataset({ replid: 'zzz' }), openedByOne);
  t.same(other, { index: 0, offset: 150 }, 'nobody else');
  t.same(place('bbb', 'new'), { index: -1, offset: 150 }, 'an id that nobody knows');
  t.end();
});

await t.test('who opened writes last comes behind an id that was recorded since', (t) => {
  const lineage = [...record.lineage, { replid: 'ccc', term: 0, start: 0 }];
  t.same(positionOf(lost({ aof: true }), { ...openedByOne, lineage }), { index: 1.5, offset: 150 });
  t.end();
});

await t.test('an id of data at the very start of their parent is recorded after it', (t) => {
  const entry = { volume: 'pvc/data-redis-1', replid: 'bbb', offset: 0, keys: 5 };
  const lineage = withOrigin(lost({ aof: true }), { ...record, datasets: { 'redis-1': entry } });
  t.same(lineage.at(-1), { replid: 'zzz', term: 0, start: 0 });
  t.end();
});

await t.test('data of unknown descent are never the fresher ones', (t) => {
  const stranger = dataset({ pod: 'redis-9', replid: 'zzz', offset: 999 });
  t.equal(isFresher(stranger, dataset({}), record), false);
  t.equal(isFresher(dataset({}), stranger, record), true);
  t.equal(isFresher(stranger, dataset({}), EMPTY_RECORD), true, 'without a record offsets decide');
  t.end();
});
