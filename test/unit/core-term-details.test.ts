// What the record tells people of a term: who was compared, what decided, how long it took, and what was lost.

import t from 'tap';
import { briefly, detailsOf, withOutcomes, withoutDetails } from '../../agent/core/term-details.ts';
import type { AgentState, TermEntry } from '../../agent/core/model.ts';
import { readRecord } from '../../agent/kube/annotation-text.ts';
import { instanceOf } from '../../agent/redis/instance.ts';
import { pod } from './core-fixtures.ts';
import { candidate, lease, master, Rig, SELF, synced, writes } from './core-rig.ts';

const named = (n: number) => ({ pod: `redis-${n}`, uid: `u${n}`, agentId: `a${n}` });

await t.test('who was heard, the best first, and why the best is it', (t) => {
  const rig = Rig.leading({}, [pod(0), pod(1), pod(2)]);
  synced(rig);
  rig.frozen(2, { replid: 'bbb', priority: 0 });
  const own = detailsOf(rig.state, SELF);
  t.match(
    own.among.map(({ pod: name }) => name),
    ['redis-0', 'redis-1', 'redis-2'],
  );
  t.match(own.among[2], { problem: 'its replica-priority is 0' });
  t.match(own.rule, /^redis-0 /);
  const given = detailsOf(rig.state, named(1));
  t.match(
    given.among.map(({ pod: name }) => name),
    ['redis-1', 'redis-2'],
    'who gives it away is none of them',
  );
  t.equal(given.rule, undefined, 'there was one alone');
  t.equal(detailsOf(rig.state, named(2)).rule, undefined, 'another one than the best was wanted');
  t.equal(detailsOf(rig.state, null).rule, undefined);
  t.end();
});

await t.test('it does not grow with the group, nor with time', (t) => {
  const rig = Rig.leading(
    {},
    Array.from({ length: 30 }, (_, n) => pod(n)),
  );
  for (let n = 1; n < 30; n++) rig.frozen(n, { replid: 'bbb' });
  t.equal(detailsOf(rig.state, SELF).among.length, 9);
  const details = { among: [] };
  const history = Array.from(
    { length: 8 },
    (_, n): TermEntry => ({
      term: n + 1,
      holder: 'redis-0',
      reason: '',
      at: '',
      details,
    }),
  );
  t.same(
    briefly(history).map((entry) => entry.details !== undefined),
    [false, false, false, true, true, true, true, true],
  );
  t.end();
});

const lineage = [
  { replid: 'aaa', term: 1, start: 1 },
  { replid: 'bbb', term: 2, start: 101 },
];
const history: readonly TermEntry[] = [
  { term: 1, holder: 'redis-1', reason: 'the first master', at: '', details: { among: [] } },
  { term: 2, holder: 'redis-0', reason: 'redis-1 fell silent', at: '', details: { among: [] } },
];

function leadingAfter(promotion: AgentState['promotion']): Rig {
  const rig = Rig.leading({}, [pod(0), pod(1), pod(2)]);
  const view = lease({ term: 2, holder: SELF, record: { lineage, history } });
  rig.state = {
    ...rig.state,
    lease: { kind: 'present', lease: view, unchangedSince: 0 },
    promotion,
  };
  return rig;
}

await t.test('how long it took, and what its forerunner had beyond it', (t) => {
  const rig = leadingAfter({ term: 2, kind: 'unplanned', pauseMs: 20.4 });
  const newest = () => withOutcomes(rig.state).at(-1)?.details;
  t.same(newest(), { among: [], kind: 'unplanned', pauseMs: 20 });
  rig.peer(2, { lost: { term: 2, bytes: 7 } });
  t.equal(newest()?.lostBytes, undefined, 'a replica is no master that was deposed');
  rig.peer(1, { lost: { term: 2, bytes: 30 } });
  t.equal(newest()?.lostBytes, 30);
  t.same(withOutcomes(rig.state)[0]?.details, { among: [] }, 'of another term nothing');
  t.end();
});

await t.test('a term of which no details are kept stays so', (t) => {
  const rig = leadingAfter(null);
  const bare = history.map(withoutDetails);
  const view = lease({ term: 2, holder: SELF, record: { lineage, history: bare } });
  const lone = { kind: 'present', lease: view, unchangedSince: 0 } as const;
  const told = withOutcomes({ ...rig.state, lease: lone });
  t.same(told.map(withoutDetails), told);
  t.end();
});

await t.test('a renewal writes it', (t) => {
  const record = { basisMs: 0, candidates: [candidate(0)], history };
  const rig = Rig.nominee(record, [pod(0)]);
  rig.tick(5);
  rig.done(master, 10);
  rig.effects = [];
  rig.done(master, 20);
  const [write] = writes(rig.effects);
  t.ok(write?.record.history.at(-1)?.details, 'kept');
  t.end();
});

await t.test('what stands in the annotation is read back, and nothing else is', (t) => {
  const of = (details: unknown) =>
    readRecord(JSON.stringify({ history: [{ ...history[0], details }] })).history[0]?.details;
  const whole = {
    among: [
      { pod: 'redis-0', offset: 7 },
      { pod: 'redis-1', offset: 0, problem: 'it is loading its dataset' },
    ],
    rule: 'redis-0 has fresher data',
    kind: 'planned',
    pauseMs: 4,
    lostBytes: 0,
  };
  t.same(of(whole), whole);
  t.same(of('text'), undefined);
  const slips = { among: [{ pod: 7 }, null], rule: 1, kind: 'odd', pauseMs: '4', lostBytes: null };
  t.same(of({ ...slips, more: 1 }), { among: [] });
  t.same(of({}), { among: [] });
  t.end();
});

await t.test('how much of a full sync has come, where Redis tells it', (t) => {
  const of = (lines: string) => instanceOf([`run_id:r\nrole:slave\n${lines}`], 0)?.syncPercent;
  const sync = (total: number, read: number) =>
    of(
      `master_sync_in_progress:1\nmaster_sync_total_bytes:${total}\nmaster_sync_read_bytes:${read}`,
    );
  t.equal(sync(1000, 419), 41);
  t.equal(sync(1000, 1000), 100);
  t.equal(sync(0, 500), null, 'a snapshot that is streamed has no known size');
  t.equal(of('master_sync_in_progress:1'), null, 'Redis 6.0 does not tell it');
  t.equal(
    of('master_sync_in_progress:0\nmaster_sync_total_bytes:9\nmaster_sync_read_bytes:9'),
    null,
  );
  t.end();
});
