// What is to be done about pods without agent, in plain cases; and whose data are related.

import t from 'tap';
import { adoption, legacyPlan, unrelatedData } from '../../agent/core/adoption.ts';
import type { AgentState, Instance, PodView, Unmanaged } from '../../agent/core/model.ts';
import type { InstanceReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import { lease, Rig } from './core-rig.ts';

const master: Instance = { ...limbo, role: 'master', upstream: null, replid: 'old', keys: 5 };
const legacy = (n: number, changes: Partial<PodView> = {}): PodView =>
  pod(n, { managed: false, ...changes });

/** Beside these pods without agent; what they showed, if they were asked. */
function beside(others: PodView[], shown: (Instance | null)[], own: PodView = pod(0)): AgentState {
  const rig = Rig.fenced(null, [own, ...others]);
  const unmanaged = new Map<string, Unmanaged>();
  for (const [index, instance] of shown.entries()) {
    const { uid, name, volume } = others[index] ?? own;
    const seen = { pod: name, volume, seenAt: 0 };
    const probe = instance === null ? null : { reachable: true as const, instance, ...seen };
    unmanaged.set(uid, probe ?? { reachable: false });
  }
  return { ...rig.state, unmanaged };
}

await t.test('a pod without agent is waited for, and it is said why', (t) => {
  t.match(adoption(beside([legacy(1)], [])), { kind: 'wait', reason: /was not asked yet/ });
  t.match(adoption(beside([legacy(1)], [null])), { kind: 'wait', reason: /does not answer/ });
  const both = [master, { ...master, replid: 'other' }];
  const plan = adoption(beside([legacy(1), legacy(2)], both));
  t.match(plan, { kind: 'wait', reason: /pods redis-1, redis-2 are masters/ });
  t.end();
});

await t.test('a pod without agent that can hold nothing is not waited for', (t) => {
  const none = { kind: 'none' };
  t.same(adoption(beside([legacy(1, { ip: null })], [])), none, 'it has no address yet');
  t.same(adoption(beside([legacy(1, { terminal: true })], [])), none);
  t.same(adoption(beside([legacy(1, { leaving: true })], [])), none, 'it ends, unheard');
  t.same(adoption(beside([legacy(1)], [{ ...master, keys: 0 }])), none, 'it is empty');
  t.same(adoption(beside([legacy(1)], [{ ...master, role: 'replica' }])), none);
  t.end();
});

await t.test('a mirror of the record is a record: nothing is adopted', (t) => {
  const lineage = [{ replid: 'aaa', term: 1, start: 0 }];
  const mirror = { term: 1, lineage, dataset: null, opening: null };
  const state = beside([legacy(1)], [], pod(0, { mirror }));
  t.same(adoption(state), { kind: 'none' });
  t.match(legacyPlan(state), { kind: 'wait' });
  t.end();
});

/** Whose data are not related, where redis-1 and the others show these ids. */
function unrelated(ids: [string, string][], view: ReturnType<typeof lease> | null = null) {
  const rig = Rig.fenced(view, [pod(0), ...ids.map((_, n) => pod(n + 1))]);
  rig.see({ ...limbo, replid: 'a', replid2: NONE });
  for (const [index, [replid, replid2]] of ids.entries()) {
    const changes: Partial<InstanceReport> = { replid, replid2 };
    rig.frozen(index + 1, changes);
  }
  return unrelatedData(rig.state);
}

const NONE = '0'.repeat(40);

await t.test('data are related by one id after another, in whatever order they are heard', (t) => {
  t.same(unrelated([]), []);
  t.same(
    unrelated([
      ['d', 'c'],
      ['c', 'b'],
      ['b', 'a'],
    ]),
    [],
  );
  t.same(
    unrelated([
      ['d', 'c'],
      ['b', 'a'],
    ]),
    ['redis-0', 'redis-1', 'redis-2'],
  );
  t.end();
});

await t.test(
  'an id of forty zeros is none, and one that begins or ends with a zero is one',
  (t) => {
    t.same(unrelated([['b', NONE]]), ['redis-0', 'redis-1']);
    const zeros: [string, string][] = [
      ['0b', 'a'],
      ['c', '0b'],
      ['c0', 'c'],
      ['d', 'c0'],
    ];
    t.same(unrelated(zeros), []);
    t.end();
  },
);

await t.test('once a record exists it alone tells what is related', (t) => {
  t.same(unrelated([['b', NONE]], lease({ holder: null })), []);
  t.end();
});
