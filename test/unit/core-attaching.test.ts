// Attaching without destroying (DESIGN 7): to whom a fenced instance may be attached, and when.

import t from 'tap';
import { limbo, pod } from './core-fixtures.ts';
import { lease, limboOf, Rig, kinds } from './core-rig.ts';

await t.test('a fenced replica attaches to the master of the term once its id is recorded', (t) => {
  const unopened = Rig.fenced(lease({ term: 2 }));
  t.notOk(kinds(unopened.effects).includes('attach'), 'the id of term 2 is not recorded yet');
  const rig = Rig.fenced(lease({}));
  t.match(rig.effects, [{ kind: 'attach', host: '10.0.0.1', replid: 'aaa' }]);
  t.end();
});

await t.test('foreign data are not overwritten, and it is said', (t) => {
  const rig = Rig.fenced(lease({ record: { datasets: {} } }));
  rig.see({ ...limbo, replid: 'zzz' }, 500);
  t.notOk(kinds(rig.effects).includes('attach'));
  t.match(rig.state.problem, /RO_DATA_CONFLICT/);
  t.end();
});

await t.test('foreign data are overwritten where a person named them on the pod', (t) => {
  const attach = (discardData: string): string[] => {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0, { discardData }), pod(1)] });
    rig.feed({ kind: 'lease', lease: lease({ record: { datasets: {} } }) });
    rig.see({ ...limbo, replid: 'zzz' });
    rig.tick();
    return kinds(rig.effects);
  };
  t.same(attach('zzz'), ['attach']);
  t.same(attach('yyy'), [], 'these are other data');
  t.end();
});

await t.test('rule 12: nobody attaches before the holder has recorded its volume', (t) => {
  const unrecorded = Rig.fenced(lease({ record: { datasets: {} } }));
  t.same(kinds(unrecorded.effects), []);
  const another = { 'redis-0': { volume: 'old', replid: 'aaa', offset: 1, keys: 1 } };
  t.same(
    kinds(Rig.fenced(lease({ record: { datasets: another } })).effects),
    [],
    'by this very id',
  );
  t.same(kinds(Rig.fenced(lease()).effects), ['attach']);
  t.end();
});

await t.test('an attachment that failed is tried again after 200 ms, for a new id at once', (t) => {
  const rig = Rig.fenced(lease());
  rig.done(null, 100);
  t.equal(rig.state.phase, 'Fenced');
  rig.effects = [];
  rig.tick(299);
  t.same(kinds(rig.effects), []);
  rig.tick(300);
  t.same(kinds(rig.effects), ['attach']);
  rig.done(null, 310);
  rig.effects = [];
  const lineage = [
    { replid: 'aaa', term: 1, start: 0 },
    { replid: 'ccc', term: 1, start: 0 },
  ];
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', record: { lineage } }) }, 320);
  t.match(rig.effects, [{ kind: 'attach', replid: 'ccc' }]);
  t.end();
});

await t.test('an attachment that failed waits also where the Lease is renewed meanwhile', (t) => {
  const old = [
    { replid: 'x', term: 0, start: 0 },
    { replid: 'y', term: 0, start: 0 },
  ];
  const view = (resourceVersion: string, replid: string) =>
    lease({ resourceVersion, record: { lineage: [...old, { replid, term: 1, start: 0 }] } });
  const rig = Rig.fenced(view('10', 'aaa'));
  rig.done(null, 100);
  rig.effects = [];
  rig.feed({ kind: 'lease', lease: view('11', 'aaa') }, 150);
  t.same(kinds(rig.effects), []);
  rig.feed({ kind: 'lease', lease: view('12', 'ccc') }, 160);
  t.same(kinds(rig.effects), ['attach'], 'the newest id is another');
  t.end();
});

await t.test('a Redis that loads its dataset, or whose pod ends, is not attached', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  rig.feed({ kind: 'lease', lease: lease() });
  rig.see({ ...limbo, loading: true });
  rig.tick();
  t.same(kinds(rig.effects), []);
  t.same(kinds(Rig.fenced(lease(), [pod(0, { leaving: true }), pod(1)]).effects), []);
  t.end();
});

await t.test('a master whose Redis is known not to answer is not attached to', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.peer(1, { role: 'unknown', instance: null });
  const lineage = [{ replid: 'aaa', term: 2, start: 0 }];
  const opened = lease({ resourceVersion: '11', term: 2, record: { lineage } });
  rig.feed({ kind: 'lease', lease: opened });
  t.same(kinds(rig.effects), []);
  rig.peer(1, { role: 'master', instance: limboOf(1) });
  t.same(kinds(rig.effects), ['attach']);
  t.end();
});
