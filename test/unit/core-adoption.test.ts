// Adopting what runs already (DESIGN 7): pods of the group without an agent, and no record yet.

import t from 'tap';
import type { Instance, PodView, Unmanaged } from '../../agent/core/model.ts';
import { limbo, pod } from './core-fixtures.ts';
import { lease, named, Rig, writes, kinds, targets } from './core-rig.ts';

const legacyMaster: Instance = {
  ...limbo,
  role: 'master',
  upstream: null,
  replid: 'old',
  keys: 500,
  runId: 'run1',
};
const legacy = (n: number, changes: Partial<PodView> = {}): PodView =>
  pod(n, { managed: false, volume: `pvc/data-redis-${n}`, ...changes });
const empty: Instance = { ...limbo, keys: 0, replid: 'new', offset: 0 };

/** redis-0 is new and empty; the others have no agent, and show these instances. */
function adopting(others: readonly PodView[], instances: readonly (Instance | null)[]): Rig {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), ...others] });
  rig.feed({ kind: 'lease', lease: null });
  rig.see(empty);
  for (const [index, instance] of instances.entries()) {
    const view = others[index];
    if (view === undefined) continue;
    const probe: Unmanaged =
      instance === null
        ? { reachable: false }
        : { reachable: true, instance, pod: view.name, volume: view.volume, seenAt: rig.now };
    rig.feed({ kind: 'unmanaged', uid: view.uid, probe });
  }
  rig.tick();
  return rig;
}

await t.test('while a pod without agent runs that does not answer, nobody promotes', (t) => {
  for (const rig of [adopting([legacy(1)], [null]), adopting([legacy(1)], [])]) {
    rig.pass(20_000, () => rig.see(empty));
    t.same(writes(rig.effects), []);
    t.match(rig.state.problem, /redis-1 has no agent/);
  }
  t.end();
});

await t.test('one master with keys and without agent is followed, and nobody acquires', (t) => {
  const rig = adopting([legacy(1)], [legacyMaster]);
  t.match(rig.effects, [{ kind: 'attach', host: '10.0.0.1', replid: 'old' }]);
  const upstream = { host: '10.0.0.1', port: 6379 };
  const follower = { ...limbo, upstream, linkUp: true, replid: 'old', keys: 500 };
  rig.done(follower);
  rig.pass(20_000, () => rig.see(follower));
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('own data of another descent are not overwritten by an adopted master', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), legacy(1)] });
  rig.feed({ kind: 'lease', lease: null });
  rig.see({ ...limbo, replid: 'zzz' });
  const { name, volume } = legacy(1);
  const seen = { reachable: true, instance: legacyMaster, pod: name, volume, seenAt: 0 } as const;
  rig.feed({ kind: 'unmanaged', uid: 'u1', probe: seen });
  rig.tick();
  t.notOk(kinds(rig.effects).includes('attach'));
  t.match(rig.state.problem, /RO_DATA_CONFLICT/);
  t.end();
});

await t.test('several masters without agent: everybody waits for a person to name one', (t) => {
  const both = [legacyMaster, { ...legacyMaster, replid: 'older' }];
  const rig = adopting([legacy(1), legacy(2)], both);
  rig.pass(20_000, () => rig.see(empty));
  t.same(kinds(rig.effects), []);
  t.match(rig.state.problem, /RO_DATA_CONFLICT/);
  const chosen = adopting([legacy(1), legacy(2, { adoptFrom: true })], both);
  t.match(chosen.effects, [{ kind: 'attach', host: '10.0.0.2', replid: 'older' }]);
  t.end();
});

/** redis-0 has the data of redis-1, a master without agent that ends. */
function inheriting(): Rig {
  const rig = adopting([legacy(1)], [legacyMaster]);
  const follower = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true };
  rig.done({ ...follower, replid: 'old', offset: 100 });
  rig.feed({ kind: 'pods', pods: [pod(0), legacy(1, { leaving: true })] });
  return rig;
}

await t.test('at the end of an adopted master its follower acquires, and fences it first', (t) => {
  const rig = inheriting();
  t.match(writes(rig.effects), [{ op: 'acquire', term: 1, resourceVersion: '' }]);
  const own: Instance = { ...limbo, replid: 'old', offset: 100 };
  rig.written('ok', 10);
  rig.see(own, 20);
  t.match(targets(rig.effects), [{ uid: 'u1', address: '10.0.0.1' }]);
  rig.see(own, 1019);
  t.notOk(kinds(rig.effects).includes('promote'), 'it has no other fence');
  t.end();
});

await t.test(
  'a holder whose agent restarted asks the pods without agent first, for three seconds',
  (t) => {
    const own: Instance = { ...limbo, replid: 'old', offset: 100 };
    const begin = (): Rig => {
      const rig = inheriting();
      rig.written('ok', 10);
      rig.state = {
        ...rig.state,
        validUntil: 100_000,
        unmanaged: new Map(),
        fenced: new Set(['u1']),
      };
      return rig;
    };
    const late = begin();
    late.see(own, 2900);
    t.notOk(kinds(late.effects).includes('promote'), 'nobody was asked yet');
    late.see(own, 3100);
    t.ok(kinds(late.effects).includes('promote'));
    t.end();
  },
);

await t.test('the limbo of an adopted master counts also where a probe shows it first', (t) => {
  const own: Instance = { ...limbo, replid: 'old', offset: 100 };
  const rig = inheriting();
  rig.written('ok', 10);
  rig.see(own, 20);
  const instance = { ...limbo, replid: 'old', offset: 107, runId: 'run1' };
  const seen = { reachable: true, pod: 'redis-1', volume: 'pvc/data-redis-1', seenAt: 30 } as const;
  rig.feed({ kind: 'unmanaged', uid: 'u1', probe: { ...seen, instance } }, 30);
  t.equal(rig.state.remoteGoal, 107);
  t.end();
});

await t.test('beside a holder nobody else inherits an adopted master', (t) => {
  const record = { lineage: [], candidates: [], datasets: {} };
  const rig = adopting([legacy(1, { leaving: true })], [legacyMaster]);
  rig.feed({ kind: 'lease', lease: lease({ holder: named(2), record }) });
  rig.effects = [];
  rig.see({ ...limbo, replid: 'old' });
  rig.tick();
  t.same(writes(rig.effects), []);
  t.end();
});

await t.test('what an adopted master had at its end is waited for, four seconds at most', (t) => {
  const own: Instance = { ...limbo, replid: 'old', offset: 100 };
  const begin = (): Rig => {
    const rig = inheriting();
    rig.written('ok', 10);
    rig.state = { ...rig.state, validUntil: 100_000 };
    rig.see(own, 20);
    const instance = { ...legacyMaster, offset: 105 };
    rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance }, 30);
    rig.see(own, 40);
    return rig;
  };
  const late = begin();
  late.see(own, 3900);
  t.notOk(kinds(late.effects).includes('promote'));
  late.see(own, 4020);
  t.ok(kinds(late.effects).includes('promote'));
  const complete = begin();
  complete.see({ ...own, offset: 105 }, 50);
  t.ok(kinds(complete.effects).includes('promote'));
  t.end();
});

await t.test(
  'an empty member does not inherit: the data of the adopted master are awaited',
  (t) => {
    const rig = adopting([legacy(1, { volume: 'u1' })], [legacyMaster]);
    rig.done(null);
    rig.feed({ kind: 'pods', pods: [pod(0), legacy(1, { leaving: true })] });
    rig.pass(20_000, () => rig.see(empty));
    t.same(writes(rig.effects), []);
    t.match(rig.state.problem, /no member has the data of redis-1/);
    t.end();
  },
);

await t.test('a claimed volume keeps what an adopted master held after its pod is gone', (t) => {
  const begin = (volume: string): Rig => {
    const rig = adopting([legacy(1, { volume })], [legacyMaster]);
    rig.done(null);
    rig.feed({ kind: 'pods', pods: [pod(0)] });
    rig.pass(20_000, () => rig.see(empty));
    return rig;
  };
  t.same(writes(begin('pvc/data-redis-1').effects), []);
  t.match(writes(begin('u1').effects), [{ op: 'acquire' }], 'an emptyDir died with it');
  t.end();
});

await t.test('once a record exists, masters without agent demand nothing', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), legacy(1)] });
  rig.feed({ kind: 'lease', lease: lease({ holder: null }) });
  rig.see(limbo);
  rig.tick();
  t.match(writes(rig.effects), [{ op: 'acquire' }]);
  t.end();
});

await t.test('members whose data are of different descent wait for a person', (t) => {
  const begin = (replid2: string): Rig => {
    const rig = Rig.fenced(null, [pod(0), pod(1), pod(2)]);
    rig.pass(20_000, () => {
      rig.frozen(1, { replid: 'zzz', replid2, offset: 50 });
      rig.frozen(2, { replid: 'child', replid2: 'aaa', offset: 50 });
      rig.see(limbo);
    });
    return rig;
  };
  const rig = begin('0');
  t.same(writes(rig.effects), []);
  t.match(rig.state.problem, /RO_DATA_CONFLICT: redis-0, redis-1, redis-2/);
  t.match(writes(begin('child').effects), [{ op: 'acquire' }], 'a grandchild is related');
  t.end();
});
