// Rows of Fenced and Following: a term that begins, a stream that breaks, a master to attach to.

import t from 'tap';
import type { Instance } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { limbo, pod } from './core-fixtures.ts';
import { SELF, master, lease, limboOf, silent, context, Rig, writes, kinds } from './core-rig.ts';

/** Follows redis-1, the holder of term 1, with a stream that runs. */
const replica: Instance = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true };
function followingRig(first = replica): Rig {
  const rig = Rig.fenced(lease(), [pod(0), pod(1), pod(2)]);
  rig.done(first);
  rig.effects = [];
  return rig;
}

await t.test('a Redis that is master without holding the Lease is put into limbo', (t) => {
  const rig = followingRig();
  t.equal(rig.state.phase, 'Following');
  t.match(rig.see(master), [{ kind: 'limbo', cutClients: true }]);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test(
  'one that refuses limbo is told of, and asked ever less often, until it obeys',
  (t) => {
    const rig = followingRig();
    rig.see(master);
    const asked: number[] = [];
    for (; rig.now < 1000; rig.now += 10) {
      if (rig.state.pendingRedis?.kind === 'limbo') {
        asked.push(rig.now);
        rig.done(null);
      }
      rig.tick();
    }
    t.match(rig.state.problem, /does not let its agent put it into limbo: denied$/);
    t.same(asked.slice(0, 5), [0, 50, 140, 310, 480]);
    rig.tick(rig.now + 200);
    rig.done(limbo);
    t.notMatch(rig.state.problem ?? '', /limbo/);
    t.equal(rig.state.limboRefusals, 0);
    t.end();
  },
);

await t.test('rule 1: the Lease names a member that is fenced: it decides', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  t.equal(rig.state.phase, 'Fenced');
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder: SELF, term: 3 }) });
  t.equal(rig.state.phase, 'Deciding');
  const follower = followingRig();
  follower.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder: SELF, term: 2 }) });
  t.equal(follower.state.phase, 'Deciding', 'and so does one that follows');
  t.end();
});

await t.test('rule 9: who is named in an older term than was seen acquires a later one', (t) => {
  const rig = Rig.fenced(lease());
  rig.frozen(1);
  rig.peer(1, { term: 7 });
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder: SELF, term: 2 }) });
  t.equal(rig.state.phase, 'Acquiring');
  t.match(writes(rig.effects), [{ op: 'acquire', term: 8, resourceVersion: '11' }]);
  t.end();
});

await t.test('the Lease names an earlier agent of this pod: it is taken over', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  const holder = { ...SELF, agentId: 'a' };
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder, term: 2 }) });
  t.match(writes(rig.effects), [{ op: 'renew', term: 2, holder: SELF, resourceVersion: '11' }]);
  t.end();
});

await t.test('a term of another holder stops a replica with a final offset', (t) => {
  const rig = followingRig();
  const holder = { pod: 'redis-2', uid: 'u2', agentId: 'p2' };
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder, term: 2 }) });
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('a new term of the same holder stops its replicas until its id is recorded', (t) => {
  const rig = followingRig();
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', term: 2 }) });
  t.match(rig.effects, [{ kind: 'limbo' }]);
  const opened = followingRig();
  const record = { lineage: [{ replid: 'bbb', term: 2, start: 0 }] };
  opened.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', term: 2, record }) });
  t.same(kinds(opened.effects), [], 'and no longer');
  t.end();
});

await t.test('an attachment under way ends with a new term: the offset is final', (t) => {
  const rig = Rig.fenced(lease(), [pod(0), pod(1), pod(2)]);
  t.equal(rig.state.pendingRedis?.kind, 'attach');
  rig.effects = [];
  const holder = { pod: 'redis-2', uid: 'u2', agentId: 'p2' };
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder, term: 2 }) });
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  rig.done(limbo);
  t.equal(rig.state.frozenTerm, 2);
  t.end();
});

await t.test('a link that was up and broke stops the replica; a first sync goes on', (t) => {
  const syncing = followingRig({ ...replica, linkUp: false, syncing: true });
  syncing.see({ ...replica, linkUp: false }, 20);
  t.same(kinds(syncing.effects), [], 'it was never up');
  const rig = followingRig();
  rig.see(replica, 10);
  rig.see({ ...replica, linkUp: false, syncing: true }, 20);
  t.same(kinds(rig.effects), [], 'it syncs again');
  rig.see({ ...replica, linkUp: false }, 30);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('a replica whose stream is held back attaches anew, once in two seconds', (t) => {
  const rig = followingRig();
  rig.see(replica, 10);
  const ahead = { role: 'master', isMaster: true, offset: 500 } as const;
  const hold = (): void => {
    rig.peer(1, { ...ahead, instance: limboOf(1, { offset: 500 }) });
    rig.see(replica);
  };
  rig.pass(150, hold);
  t.match(rig.effects, [{ kind: 'limbo', cutClients: false }]);
  rig.done(limbo);
  rig.tick();
  t.equal(kinds(rig.effects).at(-1), 'attach');
  rig.done(replica);
  rig.pass(2000, hold);
  t.same(kinds(rig.effects), ['limbo', 'attach'], 'the second is not hurried');
  rig.pass(2300, hold);
  t.equal(kinds(rig.effects).at(-1), 'limbo');
  t.end();
});

await t.test('rule 23: frozen is said only while Redis is in limbo', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  t.equal(reportOf(rig.state, context).frozenTerm, 2);
  rig.feed({ kind: 'redis', redis: { reachable: true, instance: replica, seenAt: 5 } });
  t.equal(reportOf(rig.state, context).frozenTerm, null);
  t.end();
});

await t.test('rule 23: a restart ends the promise to be frozen', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.feed({ kind: 'redis', redis: silent(5, true) });
  t.equal(reportOf(rig.state, context).frozenTerm, null);
  t.end();
});
