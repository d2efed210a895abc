import t from 'tap';
import {
  betterClaim,
  ineligibility,
  type Member,
  preferRevision,
  ranking,
} from '../../agent/core/election.ts';
import { TIMING_PROFILES, timingFault } from '../../agent/core/lease-clock.ts';
import type { CoreConfig, GroupRecord, PodView } from '../../agent/core/model.ts';
import { EMPTY_RECORD } from '../../agent/core/view.ts';
import { config, pod } from './core-fixtures.ts';

const record: GroupRecord = { ...EMPTY_RECORD, lineage: [{ replid: 'aaa', term: 1, start: 0 }] };
const member = (pod: string, changes: Partial<Member> = {}): Member => ({
  pod,
  uid: `uid-${pod}`,
  runId: `run-${pod}`,
  volume: `uid-${pod}`,
  replid: 'aaa',
  replid2: '0',
  secondOffset: -1,
  offset: 100,
  keys: 1,
  aof: false,
  priority: 100,
  loading: false,
  syncing: false,
  leaving: false,
  protocol: 1,
  startedEpochMs: 1000,
  ...changes,
});
const names = (members: readonly Member[], changes: Partial<CoreConfig> = {}): string[] =>
  ranking(members, record, { ...config, ...changes }).map(({ pod }) => pod);

await t.test('the freshest data win', (t) => {
  t.same(names([member('redis-0'), member('redis-1', { offset: 101 })]), ['redis-1', 'redis-0']);
  t.end();
});

await t.test('equal data: the oldest start, then the smallest name', (t) => {
  const members = [
    member('redis-2'),
    member('redis-1'),
    member('redis-3', { startedEpochMs: 999 }),
  ];
  t.same(names(members), ['redis-3', 'redis-1', 'redis-2']);
  t.same(names(members.toReversed()), ['redis-3', 'redis-1', 'redis-2'], 'in whatever order');
  t.end();
});

await t.test('replica-priority decides among equal data, or first by policy', (t) => {
  const members = [member('redis-0', { offset: 200 }), member('redis-1', { priority: 1 })];
  t.same(names(members), ['redis-0', 'redis-1']);
  t.same(names(members, { priorityFirst: true }), ['redis-1', 'redis-0']);
  const equal = [member('redis-0', { priority: 2 }), member('redis-1', { priority: 1 })];
  t.same(names(equal), ['redis-1', 'redis-0']);
  const fresher = [member('redis-0'), member('redis-1', { offset: 101 })];
  t.same(names(fresher, { priorityFirst: true }), ['redis-1', 'redis-0'], 'of one priority');
  t.end();
});

await t.test(
  'protocol: among equal data the newer agent leads, and never before fresher data',
  (t) => {
    const newer = member('redis-1', { protocol: 2 });
    t.same(names([member('redis-0'), newer]), ['redis-1', 'redis-0']);
    t.same(names([member('redis-0', { offset: 101 }), newer]), ['redis-0', 'redis-1']);
    t.end();
  },
);

await t.test('who refuses writes comes behind equals, and never behind older data', (t) => {
  const full = member('redis-0', { unwritable: 'aof' });
  t.same(names([full, member('redis-1', { startedEpochMs: 2000 })]), ['redis-1', 'redis-0']);
  t.same(names([full, member('redis-1', { offset: 99 })]), ['redis-0', 'redis-1']);
  t.match(betterClaim(member('redis-1'), full, record, config), /takes writes/);
  t.end();
});

await t.test('--age-beats-bytes: within so many bytes of the freshest, age decides', (t) => {
  const members = [
    member('redis-0', { offset: 100, startedEpochMs: 1 }),
    member('redis-1', { offset: 105, startedEpochMs: 2 }),
    member('redis-2', { offset: 110, startedEpochMs: 3 }),
  ];
  t.same(names(members, { ageBeatsBytes: 5 }), ['redis-1', 'redis-2', 'redis-0']);
  t.end();
});

await t.test('--age-beats-bytes: data of an older id are not near, whatever their offset', (t) => {
  const lineage = [...record.lineage, { replid: 'bbb', term: 2, start: 100 }];
  const members = [
    member('redis-0', { offset: 110, startedEpochMs: 1 }),
    member('redis-1', { replid: 'bbb', offset: 110, startedEpochMs: 2 }),
  ];
  const ranked = ranking(members, { ...record, lineage }, { ...config, ageBeatsBytes: 5 });
  t.same(
    ranked.map(({ pod }) => pod),
    ['redis-1', 'redis-0'],
  );
  t.end();
});

await t.test('who is better says why', (t) => {
  const why = (
    best: Partial<Member>,
    other: Partial<Member>,
    changes: Partial<CoreConfig> = {},
  ): string =>
    betterClaim(member('redis-1', best), member('redis-0', other), record, {
      ...config,
      ...changes,
    });
  const older = { startedEpochMs: 999 };
  t.match(why({ offset: 200 }, older), /fresher data \(offset 200 against 100\)/);
  t.match(why({}, { ...older, leaving: true }), /stays/);
  t.match(why(older, {}), /started earlier/);
  t.match(why({}, { ...older, protocol: 0 }), /newer agent/);
  t.match(why({ priority: 1 }, older), /smaller replica-priority/);
  t.match(why({ priority: 1, offset: 200 }, {}, { priorityFirst: true }), /replica-priority/);
  t.match(why({ offset: 200 }, {}, { priorityFirst: true }), /fresher data/);
  t.match(why({}, {}), /smaller name among equals/);
  t.end();
});

await t.test('who may not be master says why', (t) => {
  const why = (changes: Partial<Member>): string | null =>
    ineligibility(member('redis-0', changes), record, { ...config, maxFailoverLagBytes: 10 }, 200);
  t.match(why({ offset: 195, priority: 0 }), /replica-priority is 0/);
  t.match(why({ offset: 195, loading: true }), /loading/);
  t.match(why({ offset: 195, syncing: true }), /first sync/);
  t.match(why({ offset: 195, replid: 'zzz' }), /lineage/);
  t.match(why({ offset: 180 }), /lacks 20 bytes/);
  t.equal(why({ offset: 190 }), null, 'so much it may lack');
  t.end();
});

await t.test('a pod that ends leads only where it alone has the newest data', (t) => {
  const leaving = { leaving: true, startedEpochMs: 1 };
  t.same(names([member('redis-0', leaving), member('redis-1')]), ['redis-1', 'redis-0']);
  const alone = { ...leaving, offset: 101 };
  t.same(names([member('redis-0', alone), member('redis-1')]), ['redis-0', 'redis-1']);
  t.end();
});

await t.test('rule 14: an empty member is eligible only where all are empty', (t) => {
  const empty = { keys: 0, replid: 'new', offset: 0 };
  t.same(names([member('redis-0', empty), member('redis-1')]), ['redis-1']);
  t.same(names([member('redis-0', empty), member('redis-1', { priority: 0 })]), []);
  t.same(names([member('redis-1', empty), member('redis-0', empty)]), ['redis-0', 'redis-1']);
  t.end();
});

await t.test('planned: pods of the newest revision come first, else the order stays', (t) => {
  const members = [member('redis-0'), member('redis-1'), member('redis-2')];
  const made = (n: number, revision: string | null, createdEpochMs: number) =>
    pod(n, { uid: `uid-redis-${n}`, revision, createdEpochMs });
  const order = (pods: readonly PodView[]): string[] =>
    preferRevision(members, pods).map((each) => each.pod);
  t.same(order([made(0, 'a', 1), made(1, 'b', 2), made(2, 'b', 3)]), [
    'redis-1',
    'redis-2',
    'redis-0',
  ]);
  t.same(order([made(0, 'b', 1), made(1, 'a', 3), made(2, 'b', 2)]), [
    'redis-1',
    'redis-0',
    'redis-2',
  ]);
  t.same(order([made(0, null, 1), made(1, null, 2)]), ['redis-0', 'redis-1', 'redis-2']);
  t.same(
    order([made(0, 'a', 1), made(1, null, 2)]),
    ['redis-0', 'redis-1', 'redis-2'],
    'a pod of no StatefulSet makes no revision old',
  );
  t.same(order([]), ['redis-0', 'redis-1', 'redis-2'], 'nor does an empty list');
  t.end();
});

await t.test('every timing profile ends a holder before its challenger begins', (t) => {
  for (const [name, timing] of Object.entries(TIMING_PROFILES))
    t.equal(timingFault(timing), null, name);
  t.match(timingFault({ ...TIMING_PROFILES.balanced, waitMs: 3000 }), /could still accept writes/);
  t.end();
});
