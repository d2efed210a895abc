// A record of two promotions, and a member's data under the newer id.

import type { Dataset } from '../../agent/core/lineage.ts';
import type { GroupRecord } from '../../agent/core/model.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';

export const NONE = '0'.repeat(40);
/** `aaa` of term 1, then `bbb` of term 2; redis-1 was recorded with `bbb` up to 150. */
export const record: GroupRecord = {
  ...EMPTY_RECORD,
  lineage: [
    { replid: 'aaa', term: 1, start: 0 },
    { replid: 'bbb', term: 2, start: 100 },
  ],
  datasets: { 'redis-1': { volume: 'pvc/data-redis-1', replid: 'bbb', offset: 150, keys: 5 } },
};
/** Of redis-1, with `bbb` up to 160. */
export const dataset = (changes: Partial<Dataset>): Dataset => ({
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
