// From where the record is taken: the Lease, else the newest mirror, else what is adopted.

import t from 'tap';
import type { Instance, Mirror, TermEntry, Unmanaged } from '../../agent/core/model.ts';
import { legacies, recordOf } from '../../agent/core/view.ts';
import { limbo, pod } from './core-fixtures.ts';
import { lease, Rig } from './core-rig.ts';

const lineageOf = (replid: string) => [{ replid, term: 1, start: 0 }];
const mirror = (term: number, changes: Partial<Mirror> = {}): Mirror => ({
  term,
  lineage: lineageOf(`of${term}`),
  dataset: null,
  opening: null,
  ...changes,
});
const master: Instance = { ...limbo, role: 'master', upstream: null, replid: 'old', keys: 5 };
const seen = (instance: Instance): Unmanaged => ({
  reachable: true,
  instance,
  pod: 'redis-7',
  volume: 'pvc/data-redis-7',
  seenAt: 0,
});

await t.test('of mirrors the one of the newest term counts, in whatever order', (t) => {
  const order = (...terms: number[]): string | undefined => {
    const pods = terms.map((term, n) => pod(n, { mirror: mirror(term) }));
    return recordOf(Rig.fenced(null, pods).state).lineage[0]?.replid;
  };
  t.equal(order(6, 7), 'of7');
  t.equal(order(7, 6), 'of7');
  t.end();
});

await t.test('a mirror that tells of no opening and no dataset adds none', (t) => {
  const { state } = Rig.fenced(null, [pod(0, { mirror: mirror(3) }), pod(1)]);
  t.match(recordOf(state), { lineage: lineageOf('of3'), datasets: {}, history: [] });
  t.same([recordOf(state).datasets, recordOf(state).history], [{}, []]);
  t.end();
});

await t.test('a Lease without a lineage is completed by the mirrors', (t) => {
  const bare = lease({ holder: null, record: { lineage: [] } });
  const pods = [pod(0, { mirror: mirror(3) }), pod(1)];
  t.same(recordOf(Rig.fenced(bare, pods).state).lineage, lineageOf('of3'));
  t.same(recordOf(Rig.fenced(lease(), pods).state).lineage, lineageOf('aaa'), 'else it counts');
  t.end();
});

await t.test('data are adopted of masters with keys, under their id and by their volume', (t) => {
  const { state } = Rig.fenced(null);
  const adopted = (instance: Instance) =>
    recordOf({ ...state, unmanaged: new Map([['u7', seen(instance)]]) });
  t.same(adopted(master).lineage, [{ replid: 'old', term: 0, start: 0 }]);
  const { offset } = master;
  const held = { volume: 'pvc/data-redis-7', replid: 'old', offset, keys: 5 };
  t.same(adopted(master).datasets, { 'redis-7': held });
  t.same(adopted({ ...master, keys: 0 }).lineage, []);
  t.same(adopted({ ...master, role: 'replica' }).lineage, []);
  const probes = new Map<string, Unmanaged>([
    ['u7', seen(master)],
    ['u8', { reachable: false }],
    ['u9', seen({ ...master, keys: 0 })],
  ]);
  t.same(
    legacies({ ...state, unmanaged: probes }).map(({ pod: name }) => name),
    ['redis-7'],
  );
  t.end();
});

await t.test(
  'what a Lease recorded of a volume counts more than what an adopted one shows',
  (t) => {
    const held = { volume: 'pvc/data-redis-7', replid: 'old', offset: 999, keys: 9 };
    const bare = lease({ holder: null, record: { lineage: [], datasets: { 'redis-7': held } } });
    const { state } = Rig.fenced(bare);
    const record = recordOf({ ...state, unmanaged: new Map([['u7', seen(master)]]) });
    t.same(record.datasets, { 'redis-7': held });
    t.end();
  },
);

await t.test('only a term of this pod that began under this agent is known to be unopened', (t) => {
  const entry = (term: number, holder: string): TermEntry => ({ term, holder, reason: '', at: '' });
  const history = [entry(2, 'redis-0'), entry(3, 'redis-1'), entry(4, 'redis-0')];
  const { state } = Rig.fenced(lease({ term: 4, record: { history } }));
  const marked = (firstTerm: number | null, promotedIn = 0): number[] =>
    recordOf({ ...state, firstTerm, promotedIn })
      .history.filter(({ unopened }) => unopened === true)
      .map(({ term }) => term);
  t.same(marked(1), [2, 4]);
  t.same(marked(2), [4], 'an earlier agent may have led in it');
  t.same(marked(1, 2), [4], 'a promotion was asked for');
  t.same(marked(4), []);
  t.same(marked(null), [], 'of the group nothing was known');
  t.end();
});
