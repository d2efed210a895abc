// Rows of Fenced and Following: what a replica's own Redis shows, and whom it may go on following.

import t from 'tap';
import type { Instance, LeaseView, PodView } from '../../agent/core/model.ts';
import { limbo, pod } from './core-fixtures.ts';
import { kinds, lease, Rig, silent } from './core-rig.ts';

const pods = [pod(0), pod(1), pod(2)];
const replicaOf = (host: string): Instance => ({
  ...limbo,
  upstream: { host, port: 6379 },
  linkUp: true,
});
const ofOne = replicaOf('10.0.0.1');

/** Its agent starts beside a replica, with this Lease. */
function beside(
  instance: Instance,
  view: LeaseView | null,
  others: readonly PodView[] = pods,
): Rig {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: others });
  rig.feed({ kind: 'lease', lease: view });
  rig.see(instance);
  rig.effects = [];
  return rig;
}

await t.test('Following: a Redis that does not answer is followed by nobody', (t) => {
  const rig = beside(ofOne, lease());
  t.equal(rig.state.phase, 'Following');
  rig.feed({ kind: 'redis', redis: silent(0, false) });
  t.equal(rig.state.phase, 'Fenced');
  const { reason } = rig.state;
  rig.state = { ...rig.state, reason: 'another' };
  rig.tick(50);
  t.equal(rig.state.reason, 'another', `${reason} is said once`);
  t.end();
});

await t.test('Following: a replica that somebody put into limbo is attached again', (t) => {
  const rig = beside(ofOne, lease());
  rig.see(limbo, 20);
  t.equal(rig.state.phase, 'Fenced');
  t.same(kinds(rig.effects), [], 'it is in limbo already');
  rig.tick(40);
  t.same(kinds(rig.effects), ['attach']);
  t.end();
});

await t.test('Following: a replica whose Redis restarted is stopped, and attached again', (t) => {
  const rig = beside(ofOne, lease());
  rig.see({ ...ofOne, runId: 'again' }, 20);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  t.equal(rig.state.phase, 'Fenced');
  rig.done({ ...limbo, runId: 'again' });
  t.same(kinds(rig.effects), ['limbo', 'attach']);
  t.end();
});

await t.test('in the first term of a group nothing is attached before an id is recorded', (t) => {
  const rig = Rig.fenced(lease({ record: { lineage: [] } }));
  t.same(kinds(rig.effects), []);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('a replica of another than the holder stops, also where its term is open', (t) => {
  const rig = beside(ofOne, lease());
  const holder = { pod: 'redis-2', uid: 'u2', agentId: 'p2' };
  const record = { lineage: [{ replid: 'bbb', term: 2, start: 0 }] };
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder, term: 2, record }) });
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('a fenced Redis that somebody made a replica is stopped', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }), pods);
  rig.see(replicaOf('10.0.0.9'), 20);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  t.end();
});

await t.test('a released Lease stops a replica before it acquires', (t) => {
  const rig = beside(ofOne, lease());
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder: null }) });
  t.same(kinds(rig.effects), ['limbo']);
  rig.done(limbo);
  t.same(kinds(rig.effects), ['limbo', 'write-lease']);
  t.end();
});

await t.test('no Lease yet: what a person attached by hand stays as it is', (t) => {
  const rig = beside(ofOne, null);
  t.equal(rig.state.phase, 'Following');
  rig.pass(3000, () => rig.see(ofOne));
  t.same(kinds(rig.effects), []);
  rig.see(replicaOf('10.0.0.2'), 3000);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }], 'unless its upstream changes');
  t.match(rig.state.reason, /replicates from 10.0.0.2 against the record/);
  const elected = beside(ofOne, null);
  elected.peer(1, { term: 3 });
  t.match(kinds(elected.effects), ['limbo'], 'nor once a term was seen');
  const fenced = beside(limbo, null);
  fenced.see(ofOne, 20);
  t.match(kinds(fenced.effects), ['limbo'], 'nor where it was fenced before');
  t.end();
});

await t.test('an adopted master is followed beside a Lease of which nothing is recorded', (t) => {
  const empty = lease({ holder: null, record: { lineage: [], candidates: [], datasets: {} } });
  const instance: Instance = { ...limbo, role: 'master', upstream: null, runId: 'run1' };
  const begin = (seen: Instance, leaving = false): Rig => {
    const legacy = pod(1, { managed: false, leaving });
    const rig = beside(seen, empty, [pod(0), legacy]);
    const probe = { reachable: true, instance, pod: 'redis-1', volume: 'u1', seenAt: 0 } as const;
    rig.feed({ kind: 'unmanaged', uid: 'u1', probe });
    rig.tick();
    return rig;
  };
  t.same(kinds(begin(ofOne).effects), []);
  t.match(begin(replicaOf('10.0.0.9')).effects, [{ kind: 'limbo' }], 'nobody else is');
  const ends = begin(ofOne, true);
  t.notOk(kinds(ends.effects).includes('limbo'), 'to its end');
  t.end();
});

await t.test('a master whose pod has no address is not attached to', (t) => {
  const rig = Rig.fenced(lease(), [pod(0), pod(1, { ip: null })]);
  t.same(kinds(rig.effects), []);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});
