// Row of Leading: the local Redis is gone or silent, and the dead master's agent names the successor.

import t from 'tap';
import { config, limbo, pod } from './core-fixtures.ts';
import { lease, master, SELF, silent, Rig, synced, writes } from './core-rig.ts';

const byReplica = { agentId: 'p1', role: 'replica' } as const;

await t.test('Leading: a crash of the Redis hands the Lease to the frozen replica', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.peer(1, {
    agentId: 'p1',
    clockMs: 77,
    role: 'limbo',
    frozenTerm: 99,
    instance: { ...limbo, runId: 'run1', replid: 'bbb', upstream: '127.0.0.1:1' },
  });
  rig.feed({
    kind: 'redis',
    redis: {
      reachable: false,
      since: rig.now,
      refused: true,
      locked: false,
      detail: 'ECONNREFUSED',
      last: master,
    },
  });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'transfer', holder: { pod: 'redis-1', uid: 'u1', agentId: 'p1' } });
  t.match(write?.record, { goal: null, basisMs: 77, decided: true });
  t.end();
});

await t.test(
  'rule 10: an id that no renewal recorded is recorded by who gives the Lease away',
  (t) => {
    const rig = Rig.leading();
    const term = rig.state.opened?.term ?? 0;
    const record = { lineage: [{ replid: 'aaa', term: 0, start: 0 }] };
    const view = lease({ resourceVersion: '90', holder: SELF, term, record });
    rig.state = { ...rig.state, lease: { kind: 'present', lease: view, unchangedSince: rig.now } };
    rig.effects = [];
    rig.feed({ kind: 'redis', redis: silent(rig.now - 200, true) });
    const [left] = writes(rig.effects);
    t.match(left?.record.lineage, [{ replid: 'aaa' }, { replid: 'bbb', term, start: 101 }]);
    t.end();
  },
);

await t.test('Leading: a frozen Redis is left at once, for no replica stops before that', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.peer(1, {
    agentId: 'p1',
    clockMs: 77,
    role: 'replica',
    instance: { ...limbo, runId: 'run1', replid: 'bbb', upstream: '10.0.0.0:6379', linkUp: true },
  });
  rig.feed({ kind: 'redis', redis: silent(rig.now - config.redisTimeoutMs, false) });
  const [write] = writes(rig.effects);
  t.match(write, { op: 'transfer', holder: { pod: 'redis-1', uid: 'u1', agentId: 'p1' } });
  t.match(write?.record, { decided: false }, 'the successor compares the final offsets');
  t.end();
});

/** redis-1 follows, and has not stopped yet. */
function unfrozen(rig: Rig): void {
  synced(rig, { ...byReplica, frozenTerm: null });
}

await t.test('a crash: final offsets of the replicas are waited for, 100 ms', (t) => {
  const rig = Rig.leading();
  unfrozen(rig);
  const since = rig.now;
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(since, true) });
  rig.tick(since + 99);
  t.same(writes(rig.effects), []);
  rig.tick(since + 100);
  t.match(writes(rig.effects), [{ op: 'transfer', record: { decided: false } }]);
  t.end();
});

await t.test('a closed connection is no proof; silence is one after --redis-timeout', (t) => {
  const rig = Rig.leading();
  const since = rig.now;
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(since, false) });
  rig.tick(since + config.redisTimeoutMs - 1);
  t.notOk(writes(rig.effects).some(({ op }) => op === 'transfer'));
  synced(rig);
  rig.tick(since + config.redisTimeoutMs);
  t.match(writes(rig.effects).at(-1), { op: 'transfer' });
  t.end();
});

await t.test('a Redis that does not answer is told to stop, for when it thaws', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(rig.now - config.redisTimeoutMs, false) });
  t.match(rig.effects, [{ kind: 'write-lease' }, { kind: 'limbo', cutClients: true }]);
  t.end();
});

await t.test('without a boot fence a refused connection is a proof after 100 ms', (t) => {
  const rig = Rig.leading();
  rig.state = { ...rig.state, config: { ...config, bootFence: false } };
  const since = rig.now;
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(since, true) });
  rig.tick(since + 99);
  t.same(writes(rig.effects), []);
  rig.tick(since + 100);
  t.match(writes(rig.effects), [{ op: 'transfer' }]);
  t.end();
});

await t.test('a crash without a replica that may lead releases the Lease', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.effects = [];
  rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
  t.match(writes(rig.effects), [{ op: 'release', holder: null, term: 1 }]);
  t.end();
});

await t.test('a crash: while another write is under way nothing is given away', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0)] }, rig.state.renewSentAt + config.timing.renewMs);
  t.match(writes(rig.effects), [{ op: 'renew' }]);
  rig.feed({ kind: 'redis', redis: silent(rig.now - 200, true) });
  t.equal(writes(rig.effects).length, 1);
  rig.written('ok');
  t.match(writes(rig.effects).at(-1), { op: 'release' });
  t.end();
});

await t.test('a crash: until the answer to a swap is there nothing else is decided', (t) => {
  for (const pods of [[pod(0), pod(1)], [pod(0)]]) {
    const rig = Rig.leading();
    rig.feed({ kind: 'pods', pods });
    rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
    t.match(rig.state.pendingWrite?.write.op, pods.length === 1 ? 'release' : 'transfer');
    rig.tick(rig.now + 10);
    t.equal(rig.state.phase, 'Leading');
    rig.written('ok');
    t.equal(rig.state.phase, 'Fenced');
  }
  t.end();
});

await t.test('a Redis that lives and lets nobody in keeps the Lease', (t) => {
  const rig = Rig.leading();
  rig.effects = [];
  const redis = { ...silent(rig.now - 60_000, false), locked: true };
  rig.feed({ kind: 'redis', redis });
  rig.tick(rig.state.renewSentAt + config.timing.renewMs);
  t.match(
    writes(rig.effects).map(({ op }) => op),
    ['renew'],
  );
  t.match(rig.state.problem, /RO_REDIS_AUTH/);
  rig.see(master);
  t.equal(rig.state.problem, null, 'it lets its agent in again');
  t.end();
});

await t.test('the giver is fenced once its swap was accepted, and claims no validity', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'redis', redis: silent(rig.now, true) });
  rig.written('ok');
  t.equal(rig.state.validUntil, Number.NEGATIVE_INFINITY);
  t.notOk(['Leading', 'Deciding'].includes(rig.state.phase));
  t.end();
});
