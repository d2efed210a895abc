// What an event tells the state: pods, peers, the local Redis, and time that nobody watched.

import t from 'tap';
import type { Instance } from '../../agent/core/model.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { candidate, lease, limboOf, Rig, silent } from './core-rig.ts';

await t.test(
  'the list of pods has changed where one comes, goes, leaves or gets an address',
  (t) => {
    const isChange = (pods: ReturnType<typeof pod>[]): boolean => {
      const rig = Rig.fenced(lease());
      rig.feed({ kind: 'pods', pods }, 5000);
      return rig.state.podsChangedAt === 5000;
    };
    t.equal(isChange([pod(0), pod(1)]), false);
    t.equal(isChange([pod(0), pod(1, { role: 'replica' })]), false, 'nor for a label');
    t.equal(isChange([pod(0)]), true);
    t.equal(isChange([pod(0), pod(1), pod(2)]), true);
    t.equal(isChange([pod(0), pod(1, { leaving: true })]), true);
    t.equal(isChange([pod(0), pod(1, { ip: '10.0.0.9' })]), true);
    t.end();
  },
);

await t.test('who is listed no more is heard no more, and a fence of it forgotten', (t) => {
  const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };
  const waiting = { goal: 'pending', previous, basisMs: 0 } as const;
  const rig = Rig.nominee(waiting, [pod(0), pod(1), pod(2)]);
  rig.peer(2, {});
  const fenced = new Set(['u0', 'u1', 'u2', 'u3']);
  rig.state = { ...rig.state, fenced, ghosts: [candidate(3)] };
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  t.same([...rig.state.peers.keys()], []);
  t.same([...rig.state.fenced], ['u0', 'u1', 'u3'], 'candidates and ghosts may be asked again');
  t.end();
});

await t.test('a peer is heard since then, unless it was silent or is another process', (t) => {
  const heard = (gapMs: number, agentId: string): number | undefined => {
    const rig = Rig.fenced(lease());
    rig.now = 100;
    rig.peer(1, { agentId: 'p1' });
    rig.now = 100 + gapMs;
    rig.peer(1, { agentId });
    return rig.state.peers.get('u1')?.since;
  };
  t.equal(heard(1500, 'p1'), 100);
  t.equal(heard(1501, 'p1'), 1601, 'three heartbeats were missed');
  t.equal(heard(500, 'p2'), 600, 'its agent restarted');
  t.end();
});

await t.test('a hundred peers are listened to, and those go on', (t) => {
  const rig = Rig.fenced(lease(), [pod(0), pod(1), pod(2)]);
  rig.peer(1, {});
  const one = rig.state.peers.get('u1');
  if (one === undefined) return t.fail('it was not heard');
  const others = Array.from({ length: 99 }, (_, n) => [`other${n}`, one] as const);
  rig.state = { ...rig.state, peers: new Map([['u1', one], ...others]) };
  rig.peer(2, {});
  t.equal(rig.state.peers.has('u2'), false);
  rig.now = 50;
  rig.peer(1, {});
  t.equal(rig.state.peers.get('u1')?.at, 50);
  t.end();
});

const master: Instance = { ...limbo, role: 'master', upstream: null, replid: 'old' };
const seen = {
  reachable: true,
  instance: master,
  pod: 'redis-1',
  volume: 'u1',
  seenAt: 0,
} as const;

await t.test('a master without agent that falls silent while it ends is still inherited', (t) => {
  const after = (leaving: boolean, isFirst = false): boolean | undefined => {
    const rig = Rig.fenced(null, [pod(0), pod(1, { managed: false, leaving })]);
    if (!isFirst) rig.feed({ kind: 'unmanaged', uid: 'u1', probe: seen });
    rig.feed({ kind: 'unmanaged', uid: 'u1', probe: { reachable: false } });
    return rig.state.unmanaged.get('u1')?.reachable;
  };
  t.equal(after(true), true);
  t.equal(after(false), false, 'one that stays may come back as another');
  t.equal(after(false, true), false, 'of one that never answered nothing is known');
  const rig = Rig.fenced(null, [pod(0), pod(1, { managed: false, leaving: true })]);
  const later = { ...seen, instance: { ...master, offset: 900 } };
  for (const probe of [seen, later]) rig.feed({ kind: 'unmanaged', uid: 'u1', probe });
  t.match(rig.state.unmanaged.get('u1'), { instance: { offset: 900 } }, 'what it had last');
  rig.feed({ kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null });
  t.equal(rig.state.remoteGoal, null, 'a fence that shows nothing tells no offset');
  t.end();
});

await t.test('what a vanished master without agent held is kept while nobody leads', (t) => {
  const kept = (volume: string, view: ReturnType<typeof lease> | null): boolean => {
    const rig = Rig.fenced(view, [pod(0), pod(1, { managed: false, volume })]);
    rig.feed({ kind: 'unmanaged', uid: 'u1', probe: { ...seen, volume } });
    rig.feed({ kind: 'pods', pods: [pod(0)] });
    return rig.state.unmanaged.has('u1');
  };
  t.equal(kept('pvc/data-redis-1', null), true);
  t.equal(kept('u1', null), false, 'its volume died with it');
  t.equal(kept('pvc/data-redis-1', lease()), false, 'a record tells of all that counts');
  t.end();
});

await t.test('another process of Redis promises nothing of what the one before did', (t) => {
  const begin = (look: (rig: Rig) => void) => {
    const rig = Rig.fenced(lease({ term: 2 }));
    rig.state = { ...rig.state, promoteFailures: 3, frozenTerm: 2 };
    look(rig);
    return rig.state;
  };
  const again = { ...limbo, runId: 'again', loading: true, upstream: null };
  t.match(
    begin((rig) => rig.see(again)),
    { frozenTerm: null, promoteFailures: 0, attachment: null },
  );
  const gone = begin((rig) => {
    rig.feed({ kind: 'redis', redis: { ...silent(5, false), last: limbo } as never });
    rig.see(again);
  });
  t.match(gone, { frozenTerm: null, promoteFailures: 0 }, 'also after a silence');
  t.match(
    begin((rig) => rig.see(limbo)),
    { frozenTerm: 2, promoteFailures: 3 },
    'the same one does',
  );
  t.end();
});

await t.test('a Redis is silent since it first was, and gone once it is refused', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  rig.feed({ kind: 'redis', redis: silent(10, false) }, 10);
  t.equal(rig.state.frozenTerm, 2, 'its sockets may be there still');
  rig.feed({ kind: 'redis', redis: silent(20, true) }, 20);
  t.match(rig.state.redis, { since: 10, refused: true });
  t.equal(rig.state.frozenTerm, null);
  t.end();
});

await t.test('time that nobody watched moves what is waited for, and never past now', (t) => {
  const absent = Rig.fenced(lease());
  absent.feed({ kind: 'lease', lease: null }, 1000);
  absent.feed({ kind: 'stalled', unwatchedMs: 300 }, 2000);
  t.match(absent.state.lease, { kind: 'absent', since: 1300 });
  absent.feed({ kind: 'stalled', unwatchedMs: 9000 }, 2000);
  t.match(absent.state.lease, { since: 2000 });
  const present = Rig.fenced(lease());
  present.state = { ...present.state, maySince: 5 };
  present.feed({ kind: 'stalled', unwatchedMs: 300 }, 1000);
  t.match(present.state, { lease: { unchangedSince: 300 }, maySince: null, promise: null });
  t.end();
});

await t.test('who let no agent in is told from who did not answer', (t) => {
  const rig = Rig.nominee({ basisMs: 0 }, [pod(0), pod(1), pod(2)]);
  const tell = (uid: string, changes: object): void => {
    const event = { kind: 'remote-fenced', uid, isConfirmed: false, instance: null } as const;
    rig.feed({ ...event, ...changes }, 10);
  };
  tell('u1', { isLocked: true });
  tell('u2', { isLocked: true });
  t.same(
    [...rig.state.lockedOut],
    [
      ['u1', 10],
      ['u2', 10],
    ],
  );
  tell('u1', {});
  t.same([...rig.state.fenced], [], 'one visit in vain makes no dead one');
  tell('u1', { isConfirmed: true, instance: { ...limbo, runId: 'run1' } });
  t.same([...rig.state.lockedOut.keys()], ['u2']);
  t.same([...rig.state.fenced], ['u1']);
  t.equal(rig.state.fencedInstances.get('u1')?.runId, 'run1');
  t.equal(rig.state.remoteGoal, null, 'its offset is no goal');
  tell('u3', {});
  t.same([...rig.state.fenced], ['u1', 'u3'], 'who did not answer had its time');
  t.same([...rig.state.fencedInstances.keys()], ['u1'], 'and showed nothing');
  t.end();
});

await t.test('of volumes and pods that are gone the last ones are remembered', (t) => {
  const rig = Rig.fenced(lease());
  for (let n = 0; n < 250; n++) {
    rig.feed({ kind: 'volume-gone', volume: `pvc/${n}` });
    rig.feed({ kind: 'pod-gone', uid: `gone${n}` });
  }
  t.same([rig.state.goneVolumes.size, rig.state.gonePods.size], [100, 204]);
  t.ok(rig.state.goneVolumes.has('pvc/249') && rig.state.gonePods.has('gone249'));
  t.end();
});

await t.test('a pod of the group whose agent speaks is a member, whatever its container', (t) => {
  const rig = Rig.fenced(lease(), [pod(0), pod(1, { managed: false })]);
  rig.peer(1, { role: 'limbo', instance: limboOf(1) });
  rig.see(limbo, config.timing.waitMs);
  t.ok(rig.effects.some(({ kind }) => kind === 'write-lease'));
  t.end();
});
