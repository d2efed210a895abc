// Who may acquire the Lease (`may` of the state machine): the holder was silent, or let go.

import t from 'tap';
import { mayAcquire } from '../../agent/core/acquire.ts';
import type { GroupRecord, Instance } from '../../agent/core/model.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { SELF, candidate, named, lease, limboOf, Rig, writtenLease, writes } from './core-rig.ts';

await t.test(
  'a listed candidate acquires after a whole wait on its own clock, and not before',
  (t) => {
    const rig = Rig.fenced(lease({}));
    rig.tick(3999);
    t.same(writes(rig.effects), []);
    rig.see(limbo, 4000);
    const [write] = writes([...rig.effects, ...rig.feed({ kind: 'tick' }, 4100)]);
    t.match(write, { op: 'acquire', term: 2, resourceVersion: '10', holder: SELF });
    t.end();
  },
);

await t.test(
  'a renewal of the holder begins the wait anew; the wall clock is not looked at',
  (t) => {
    const rig = Rig.fenced(lease({}));
    rig.feed(
      { kind: 'lease', lease: lease({ resourceVersion: '11', renewTime: '1970-01-01' }) },
      3000,
    );
    rig.see(limbo, 6900);
    t.same(writes(rig.effects), []);
    t.end();
  },
);

await t.test('only holder and renewal time are a sign of life, whatever else is written', (t) => {
  const rig = Rig.fenced(lease());
  const record = { candidates: [candidate(0), candidate(1)], decided: true };
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', record }) }, 3000);
  rig.see(limbo, 4000);
  t.match(writes(rig.effects), [{ op: 'acquire', resourceVersion: '11' }]);
  t.end();
});

await t.test(
  'what was not watched in a stall is no silence, what was watched still counts',
  (t) => {
    const rig = Rig.fenced(lease({}));
    rig.feed({ kind: 'stalled', unwatchedMs: 3000 }, 5000);
    rig.see(limbo, 5001);
    t.same(writes(rig.effects), []);
    rig.see(limbo, 7100);
    t.match(writes(rig.effects), [{ op: 'acquire' }], 'four seconds of seven were watched');
    t.end();
  },
);

await t.test('a promise is not over sooner because of a stall', (t) => {
  const rig = Rig.fenced(lease({}));
  rig.now = 3900;
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  const { until } = rig.state.promise ?? { until: 0 };
  rig.feed({ kind: 'stalled', unwatchedMs: 3000 }, 7000);
  t.equal(rig.state.promise?.until, until + 3000);
  t.end();
});

await t.test('who is no candidate does not acquire from a silent holder', (t) => {
  const rig = Rig.fenced(lease({ record: { candidates: [candidate(1)] } }));
  rig.see(limbo, 60_000);
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('a promise to the holder keeps a candidate from acquiring', (t) => {
  const rig = Rig.fenced(lease({}));
  rig.now = 3900;
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  rig.see(limbo, 5000);
  t.same(writes(rig.effects), []);
  t.match(rig.state.promise, { agentId: 'x', round: 7 });
  t.end();
});

await t.test('a pod that ends does not acquire', (t) => {
  const rig = Rig.fenced(lease(), [pod(0, { leaving: true }), pod(1)]);
  rig.pass(60_000, () => rig.see(limbo));
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('challengers stagger: 50 ms for each member that ranks before', (t) => {
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const rig = Rig.fenced(lease({ term: 2, record: { candidates } }), [pod(0), pod(2)]);
  rig.now = 4000;
  rig.frozen(2, { offset: 200 });
  rig.see(limbo, 4049);
  t.same(writes(rig.effects), []);
  rig.see(limbo, 4050);
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test('rule 22: a released Lease: at once by a candidate that did not restart', (t) => {
  const rig = Rig.fenced(lease({ holder: null }));
  t.match(writes(rig.effects), [{ op: 'acquire', term: 2 }]);
  const reborn = new Rig();
  reborn.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  reborn.feed({ kind: 'lease', lease: lease({ holder: null }) });
  reborn.see({ ...limbo, runId: 'run0-again' });
  reborn.tick();
  t.same(writes(reborn.effects), []);
  t.end();
});

await t.test('rule 22: a released Lease: by others later, once all members were heard', (t) => {
  const released = lease({ holder: null, record: { candidates: [candidate(1)] } });
  const first = (look: (rig: Rig) => void): number | null => {
    const rig = Rig.fenced(released);
    for (; rig.now < 8000; rig.now += 50) {
      look(rig);
      rig.see(limbo);
      if (writes(rig.effects).length > 0) return rig.now;
    }
    return null;
  };
  const behind = { offset: 50 };
  t.equal(
    first((rig) => rig.frozen(1, behind)),
    config.timing.validityMs,
  );
  t.equal(
    first(() => undefined),
    null,
    'redis-1 was not heard',
  );
  t.end();
});

await t.test('a restarted candidate acquires after L only once all members were heard', (t) => {
  const reborn = { ...limbo, runId: 'run0-again' };
  const begin = (): Rig => {
    const candidates = [candidate(0), candidate(1), candidate(2)];
    const rig = Rig.fenced(lease({ term: 2, record: { candidates } }), [pod(0), pod(2)]);
    rig.see(reborn);
    return rig;
  };
  const deaf = begin();
  deaf.pass(20_000, () => deaf.see(reborn));
  t.same(writes(deaf.effects), []);
  const rig = begin();
  rig.pass(4100, () => {
    rig.frozen(2, { offset: 50 });
    rig.see(reborn);
  });
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

/** redis-0 is listed, and has nothing; redis-2 has the data; redis-1, the holder, is gone. */
function emptied(own: Instance): { rig: Rig; look: () => void } {
  const candidates = [candidate(0), candidate(1)];
  const rig = Rig.fenced(lease({ term: 2, record: { candidates } }), [pod(0), pod(2)]);
  rig.see(own);
  const look = (): void => {
    rig.frozen(2);
    rig.see(own);
  };
  return { rig, look };
}

await t.test('rule 13: who may not lead acquires for a member that may, 0.5 s after L', (t) => {
  const empty = { ...limbo, keys: 0, replid: 'new', offset: 0 };
  for (const own of [empty, { ...empty, runId: 'run0-again' }]) {
    const { rig, look } = emptied(own);
    rig.pass(4450, look);
    t.same(writes(rig.effects), [], 'eligible candidates come first');
    rig.pass(4500, look);
    t.match(writes(rig.effects), [{ op: 'acquire', holder: SELF, term: 3 }]);
    rig.written('ok');
    rig.pass(5000, look);
    t.match(writes(rig.effects).at(-1), { op: 'transfer', holder: named(2), term: 4 });
  }
  t.end();
});

await t.test('rule 13: not where nobody else may lead, or somebody was not heard', (t) => {
  const empty = { ...limbo, keys: 0, replid: 'new', offset: 0 };
  const { rig, look } = emptied(empty);
  rig.feed({ kind: 'pods', pods: [pod(0), pod(2), pod(3)] });
  rig.pass(8000, look);
  t.same(writes(rig.effects), [], 'redis-3 was not heard');
  const alone = Rig.fenced(lease({ term: 2 }), [pod(0)]);
  alone.see({ ...limbo, priority: 0 });
  alone.pass(8000, () => alone.see({ ...limbo, priority: 0 }));
  t.same(writes(alone.effects), []);
  t.end();
});

await t.test('a person forces an election in a term: the best member acquires at once', (t) => {
  const record = { candidates: [candidate(1)] };
  const forced = Rig.fenced(lease({ term: 2, force: 2, record }));
  const why = 'a person forced an election in term 2';
  t.match(writes(forced.effects), [{ op: 'acquire', term: 3, reason: why }]);
  const named = Rig.fenced({ ...lease({ term: 2, force: 2, record }), forcedBy: 'alice' });
  t.match(writes(named.effects), [{ reason: 'alice forced an election in term 2' }]);
  const old = Rig.fenced(lease({ term: 2, force: 1, record }));
  t.same(writes(old.effects), [], 'not in another term');
  t.end();
});

await t.test('Acquiring: won, it decides; lost, it stays fenced', (t) => {
  const begin = (): Rig => Rig.fenced(lease({ holder: null }));
  const won = begin();
  t.equal(won.state.phase, 'Acquiring');
  won.written('ok', 10);
  t.equal(won.state.phase, 'Deciding');
  const lost = begin();
  const [effect] = lost.effects;
  if (effect?.kind !== 'write-lease') return t.fail('no write');
  const other = lease({ resourceVersion: '11', term: 2 });
  lost.feed({ kind: 'lease-written', id: effect.id, outcome: 'conflict', lease: other }, 10);
  t.equal(lost.state.phase, 'Fenced');
  t.end();
});

await t.test('Acquiring: an unknown result is looked at for 600 ms, then tried again', (t) => {
  const rig = Rig.fenced(lease({ holder: null }));
  rig.written('timeout', 10);
  rig.pass(550, () => rig.see(limbo));
  t.equal(writes(rig.effects).length, 1);
  rig.pass(750, () => rig.see(limbo));
  t.match(writes(rig.effects), [{ op: 'acquire' }, { op: 'acquire', resourceVersion: '10' }]);
  const shown = Rig.fenced(lease({ holder: null }));
  shown.written('timeout', 10);
  const [write] = writes(shown.effects);
  if (write === undefined) return t.fail('no write');
  shown.feed({ kind: 'lease', lease: writtenLease(write) }, 200);
  t.equal(shown.state.phase, 'Deciding', 'unless the Lease shows that it was done');
  t.end();
});

await t.test('protocol: an older agent follows, and never acquires', (t) => {
  const begin = (record: Partial<GroupRecord>, protocol: number, force: number | null = null) => {
    const rig = Rig.fenced(lease({ record, force }));
    rig.pass(8000, () => {
      rig.peer(1, { protocol, role: 'limbo', instance: limboOf(1, { offset: 50 }) });
      rig.see(limbo);
    });
    return rig;
  };
  t.match(writes(begin({}, 1).effects)[0], { op: 'acquire' }, 'all are of one protocol');
  const peer = begin({}, 2);
  t.same(writes(peer.effects), []);
  t.match(mayAcquire(peer.state).reason, /redis-1 is of a newer protocol .*update it/);
  const record = begin({ protocol: 2 }, 1);
  t.same(writes(record.effects), []);
  t.match(mayAcquire(record.state).reason, /the group's record is of a newer protocol/);
  t.match(writes(begin({ protocol: 2 }, 2, 1).effects)[0], { op: 'acquire' }, 'a person forces it');
  t.end();
});

await t.test('protocol: a newer agent acquires where every candidate is older', (t) => {
  const begin = (protocol: number) => {
    const record = { candidates: [candidate(1)] };
    const rig = Rig.fenced(lease({ record }), [pod(0), pod(1)], { protocol: 2 });
    rig.pass(8000, () => {
      rig.peer(1, { protocol, role: 'limbo', instance: limboOf(1, { offset: 50 }) });
      rig.see(limbo);
    });
    return writes(rig.effects);
  };
  t.match(begin(1)[0], { op: 'acquire', record: { protocol: 2 } });
  t.same(begin(2), [], 'a candidate of the same protocol comes first');
  const empty = Rig.fenced(null, [pod(0), pod(1)], { protocol: 2 });
  empty.pass(8000, () => {
    empty.frozen(1);
    empty.see({ ...limbo, keys: 0, replid: 'new' });
  });
  t.match(writes(empty.effects)[0], {
    op: 'acquire',
    reason: /^redis-0 may not be master: .+: acquiring for redis-1, whose agent is older$/,
  });
  t.end();
});
