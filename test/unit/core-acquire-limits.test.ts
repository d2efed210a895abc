// Who may acquire the Lease: whom else it waits for, when its turn comes, and what it must know first.

import t from 'tap';
import { mayAcquire, named } from '../../agent/core/acquire.ts';
import type { GroupRecord } from '../../agent/core/model.ts';
import { limbo, pod } from './core-fixtures.ts';
import { candidate, lease, limboOf, Rig, writes } from './core-rig.ts';

/** When it acquires, or null: looks every 50 ms. */
function acquiredAt(rig: Rig, untilMs: number, look: () => void = () => undefined): number | null {
  rig.effects = [];
  for (; rig.now <= untilMs; rig.now += 50) {
    look();
    rig.see(limbo);
    if (writes(rig.effects).length > 0) return rig.now;
  }
  return null;
}

await t.test('an agent that does not know the pods, or the Lease, does not acquire', (t) => {
  const view = lease({ holder: null });
  const known = Rig.fenced(view);
  t.equal(mayAcquire({ ...known.state, phase: 'Fenced' }).may, true);
  for (const changes of [{ pods: null }, { lease: { kind: 'unknown' } as const }]) {
    const state = { ...known.state, ...changes };
    t.match(mayAcquire(state), { may: false, reason: /group is not known yet/ });
  }
  t.end();
});

await t.test('a promise to the holder ends, and then its candidate may acquire', (t) => {
  const rig = Rig.fenced(lease({}));
  rig.now = 3900;
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  rig.see(limbo, 7899);
  t.same(writes(rig.effects), []);
  rig.see(limbo, 7900);
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test('cold start: challengers stagger: 500 ms for each member that ranks before', (t) => {
  const first = (offset: number): number | null => {
    const rig = Rig.fenced(null);
    return acquiredAt(rig, 10_000, () => rig.frozen(1, { offset }));
  };
  t.equal(first(50), 4000);
  t.equal(first(200), 4500);
  t.end();
});

await t.test('a member with data that nobody knows does not keep those that have the data', (t) => {
  const released = lease({ holder: null, record: { candidates: [candidate(8)] } });
  const rig = Rig.fenced(released);
  t.not(
    acquiredAt(rig, 10_000, () => rig.frozen(1, { replid: 'zzz', keys: 5 })),
    null,
  );
  t.end();
});

await t.test('a forced election: by the best at once, by others later, by the unfit never', (t) => {
  const forced = (changes: object, offset: number): number | null => {
    const record = { candidates: [candidate(1)] };
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
    rig.feed({ kind: 'lease', lease: lease({ term: 2, force: 2, record }) });
    for (; rig.now <= 3000; rig.now += 50) {
      rig.frozen(1, { offset });
      rig.see({ ...limbo, ...changes });
      if (writes(rig.effects).length > 0) return rig.now;
    }
    return null;
  };
  t.equal(forced({}, 50), 50, 'at the second look');
  t.equal(forced({}, 200), 550);
  t.equal(forced({ priority: 0 }, 50), null);
  t.end();
});

await t.test('a candidate without data beside data of another lineage says so', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(2)] });
  rig.feed({
    kind: 'lease',
    lease: lease({ record: { candidates: [candidate(0), candidate(1)] } }),
  });
  rig.pass(9000, () => {
    rig.frozen(2, { replid: 'zzz', keys: 5 });
    rig.see({ ...limbo, keys: 0, replid: 'new' });
  });
  t.match(rig.state.problem, /RO_DATA_CONFLICT: redis-2 holds 5 keys of another lineage/);
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('a forced election in vain says why', (t) => {
  const said = (own: object, other: object): string | null => {
    const rig = new Rig();
    rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
    const record = { candidates: [candidate(1)] };
    rig.feed({ kind: 'lease', lease: lease({ term: 2, force: 2, record }) });
    rig.frozen(1, other);
    rig.see({ ...limbo, ...own });
    rig.tick(100);
    t.same(writes(rig.effects), []);
    return rig.state.problem;
  };
  t.match(said({ priority: 0 }, {}), /redis-0 may not be master: its replica-priority is 0/);
  t.match(said({ keys: 0, replid: 'new' }, {}), /it has no data, and others have/);
  const stranger = { replid: 'zzz', keys: 5 };
  t.match(said({ keys: 0, replid: 'new' }, stranger), /RO_DATA_CONFLICT: redis-1 holds 5 keys/);
  t.end();
});

await t.test('all are gone: pods that ended are gone, though they are listed', (t) => {
  const record = { candidates: [candidate(1)] };
  const begin = (terminal: boolean): number | null =>
    acquiredAt(Rig.fenced(lease({ record }), [pod(0), pod(1, { terminal })]), 10_000);
  t.not(begin(true), null);
  t.equal(begin(false), null);
  t.end();
});

/** An agent of protocol 2, no candidate; redis-1 holds the Lease; what the others speak. */
function newerAgent(
  record: Partial<GroupRecord>,
  protocols: Record<number, number>,
  pods = [pod(0), pod(1), pod(2)],
): number | null {
  const rig = Rig.fenced(lease({ record }), pods, { protocol: 2 });
  return acquiredAt(rig, 8000, () => {
    for (const [n, protocol] of Object.entries(protocols)) {
      const instance = limboOf(Number(n), { offset: 50 });
      rig.peer(Number(n), { protocol, role: 'limbo', instance });
    }
  });
}

await t.test('protocol: a newer agent waits for every candidate that is here and as new', (t) => {
  const both = { candidates: [candidate(1), candidate(2)] };
  t.equal(newerAgent(both, { 1: 1, 2: 1 }), 4000, 'none of them will acquire, once it is silent');
  t.equal(newerAgent(both, { 1: 1, 2: 2 }), null);
  const without = [pod(0), pod(1), pod(3)];
  t.equal(newerAgent(both, { 1: 1, 3: 2 }, without), 4000, 'one of them is gone');
  const ended = [pod(0), pod(1), pod(2, { terminal: true })];
  t.equal(newerAgent(both, { 1: 1 }, ended), 4000, 'or has ended');
  t.equal(newerAgent({ candidates: [candidate(9)] }, { 1: 1, 2: 1 }), null, 'none is here at all');
  t.end();
});

await t.test('a sentence names ten pods at most', (t) => {
  const pods = Array.from({ length: 12 }, (_, n) => `p${n}`);
  t.equal(named(pods), 'p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 2 more');
  t.equal(named(pods.slice(0, 10)), 'p0, p1, p2, p3, p4, p5, p6, p7, p8, p9');
  t.end();
});
