// What the lineage keeps of promotions, and what it says of data that a sync would overwrite.

import t from 'tap';
import {
  extendLineage,
  hasData,
  isNewest,
  isOfLineage,
  lastOpened,
  mayBeOverwritten,
} from '../../agent/core/lineage.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import { dataset, NONE, record } from './lineage-fixtures.ts';

await t.test('a promotion is appended to 30 ids at most, and no id stands twice', (t) => {
  const lineage = Array.from({ length: 30 }, (_, n) => ({ replid: `r${n}`, term: n, start: 0 }));
  const next = extendLineage(lineage, { replid: 'new', term: 30, start: 5 });
  t.equal(next.length, 30);
  t.same([next[0]?.replid, next.at(-1)?.replid], ['r1', 'new']);
  const again = extendLineage(record.lineage, { replid: 'aaa', term: 3, start: 200 });
  t.same(again, [record.lineage[1], { replid: 'aaa', term: 3, start: 200 }]);
  t.end();
});

await t.test('a promotion is the newest by its id and its term', (t) => {
  t.equal(isNewest(record, { replid: 'bbb', term: 2 }), true);
  t.equal(isNewest(record, { replid: 'bbb', term: 3 }), false, 'the same data in another term');
  t.equal(isNewest(EMPTY_RECORD, { replid: 'bbb', term: 2 }), false);
  t.end();
});

await t.test('the newest promotion is known where another id was recorded since', (t) => {
  const lineage = [...record.lineage, { replid: 'ccc', term: 0, start: 0 }];
  t.equal(lastOpened({ lineage })?.replid, 'bbb');
  t.end();
});

await t.test('without a record nobody is a stranger, and nothing is overwritten', (t) => {
  t.equal(isOfLineage(dataset({ replid: 'zzz' }), EMPTY_RECORD), true);
  t.equal(isOfLineage(dataset({ replid: 'zzz' }), record), false);
  const may = (changes: object, target = { replid: 'yyy', replid2: NONE }): boolean =>
    mayBeOverwritten(dataset(changes), EMPTY_RECORD, target, null);
  t.equal(may({}), false);
  t.equal(may({ keys: 0 }), true, 'unless there is nothing');
  t.equal(may({}, { replid: 'bbb', replid2: NONE }), true, 'or the target has the same id');
  t.equal(may({}, { replid: 'yyy', replid2: 'bbb' }), true, 'or had it');
  t.end();
});

await t.test('data of unknown descent are no data that count', (t) => {
  t.equal(hasData(null), false);
  t.equal(hasData({ index: -1, offset: 0 }), false, 'nor is an empty dataset');
  t.end();
});
