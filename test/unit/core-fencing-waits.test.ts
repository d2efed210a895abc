// Rule 8: whom a holder does not put into limbo, and how long it waits for those that it does.

import t from 'tap';
import type {
  AgentState,
  GroupRecord,
  Instance,
  PodView,
  Unmanaged,
} from '../../agent/core/model.ts';
import type { AgentReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import { candidate, kinds, limboOf, Rig, targets } from './core-rig.ts';

const previous = { pod: 'redis-1', uid: 'u1', address: '10.0.0.1' };

/** As if it began to decide now: nobody was asked yet. */
function anew(rig: Rig, changes: Partial<AgentState> = {}): Rig {
  rig.state = { ...rig.state, phase: 'Deciding', pendingRedis: null, fenceAskedAt: -1, ...changes };
  rig.effects = [];
  return rig;
}

/** Decides by what the giver compared. */
const deciding = (record: Partial<GroupRecord> = {}, pods = [pod(0), pod(1)]): Rig =>
  anew(Rig.nominee({ basisMs: 0, decided: true, ...record }, pods));

const uidsAsked = (rig: Rig): string[] => targets(rig.effects).map(({ uid }) => uid);

await t.test('rule 8: a pod that ended, or has no address yet, has nothing to be fenced', (t) => {
  const candidates = [candidate(0), candidate(1), candidate(2)];
  const pods = [pod(0), pod(1, { terminal: true }), pod(2, { ip: null })];
  const rig = deciding({ candidates }, pods);
  rig.tick(10);
  t.same(uidsAsked(rig), []);
  t.ok(kinds(rig.effects).includes('promote'));
  t.end();
});

await t.test('rule 8: a holder whose own pod is listed no more does not fence itself', (t) => {
  const rig = deciding({}, [pod(1)]);
  rig.tick(10);
  t.same(uidsAsked(rig), ['u1']);
  t.end();
});

await t.test('rule 8: of pods without agent only the master that ends is fenced', (t) => {
  const legacyMaster: Instance = { ...limbo, role: 'master', upstream: null, replid: 'old' };
  const begin = (instances: (Instance | null)[], changes: Partial<PodView> = {}): string[] => {
    const others = instances.map((_, n) => pod(n + 1, { managed: false, ...(n === 0 && changes) }));
    const unmanaged = new Map<string, Unmanaged>();
    for (const [index, instance] of instances.entries()) {
      const uid = `u${index + 1}`;
      if (instance === null) continue;
      unmanaged.set(uid, { reachable: true, instance, pod: uid, volume: uid, seenAt: 0 });
    }
    const rig = anew(deciding({}, [pod(0), ...others]), { unmanaged });
    rig.tick(10);
    return uidsAsked(rig);
  };
  t.same(begin([null]), [], 'one of which nothing is known');
  t.same(begin([legacyMaster]), [], 'a master that stays');
  const replica: Instance = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 } };
  t.same(begin([legacyMaster, replica], { leaving: true }), ['u1']);
  t.end();
});

await t.test('rule 8: a candidate that left no address cannot be asked', (t) => {
  const nowhere = { ...candidate(1), address: '' };
  const rig = deciding({ candidates: [candidate(0), nowhere] }, [pod(0)]);
  rig.tick(10);
  t.same(uidsAsked(rig), []);
  t.ok(kinds(rig.effects).includes('promote'));
  t.end();
});

await t.test('rule 8: a ghost that is recorded and remembered is asked once', (t) => {
  const candidates = [candidate(0), candidate(1)];
  const rig = anew(deciding({ candidates }, [pod(0)]), { ghosts: [candidate(1), candidate(2)] });
  rig.tick(10);
  t.same(uidsAsked(rig), ['u1', 'u2']);
  t.end();
});

await t.test('rule 8: of a large group twenty ghosts are remembered', (t) => {
  const candidates = Array.from({ length: 30 }, (_, n) => candidate(n));
  const rig = deciding({ candidates }, [pod(0)]);
  rig.pass(300);
  t.equal(rig.state.phase, 'Promoting');
  t.equal(rig.state.ghosts.length, 20);
  t.end();
});

await t.test('rule 8: a ghost is remembered for ten minutes from the promotion', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  const since = 5_000_000;
  const begin = (ms: number): string[] => {
    const state = { ...rig.state, phaseSince: since, validUntil: 9_000_000, fenced: new Set([]) };
    const late = Rig.leading();
    late.state = { ...state, ghosts: [candidate(7)], fenceAskedAt: -1, now: since };
    late.tick(since + ms);
    return uidsAsked(late).filter((uid) => uid === 'u7');
  };
  t.same(begin(600_000), ['u7']);
  t.same(begin(600_001), []);
  t.end();
});

/** After how long it promotes beside these reports: told every 10 ms, or long ago. */
function promotedAfter(reports: Record<number, Partial<AgentReport>>, isOld = false): number {
  const pods = [pod(0), ...Object.keys(reports).map((n) => pod(Number(n)))];
  const rig = deciding({ previous }, pods);
  const tell = (): void => {
    for (const [n, report] of Object.entries(reports)) rig.peer(Number(n), report);
  };
  rig.now = 1000;
  if (isOld) tell();
  const since = isOld ? rig.now + 700 : rig.now;
  anew(rig, { phaseSince: since });
  for (rig.now = since; rig.now < since + 500; rig.now += 10) {
    if (!isOld) tell();
    rig.tick();
    if (kinds(rig.effects).includes('promote')) return rig.now - since;
  }
  return Number.NaN;
}

const mute = { role: 'unknown', refused: false, instance: null } as const;

await t.test('rule 8: 50 ms are enough only where all that is silent is the giver', (t) => {
  t.equal(promotedAfter({ 1: mute }), 50);
  t.equal(promotedAfter({ 1: mute, 2: mute }), 200, 'another may just have started');
  t.equal(
    promotedAfter({ 1: { role: 'replica', instance: limboOf(1) } }),
    200,
    'a giver that answers',
  );
  t.equal(promotedAfter({ 1: mute }, true), 200, 'a report that is old');
  t.end();
});

await t.test('rule 8: who was locked out is believed dead after a whole wait', (t) => {
  const rig = deciding({ history: [{ term: 1, holder: 'redis-1', reason: '', at: '' }] });
  rig.tick(10);
  rig.effects = [];
  const locked = { uid: 'u1', isConfirmed: false, isLocked: true, instance: null } as const;
  rig.feed({ kind: 'remote-fenced', ...locked }, 100);
  const look = (): void => {
    rig.tick();
    if (rig.state.pendingWrite !== null) rig.written('ok');
  };
  rig.pass(4000, look);
  t.notOk(kinds(rig.effects).includes('promote'));
  t.ok(targets(rig.effects).length <= 4, 'it is asked once in a second');
  rig.pass(4350, look);
  t.ok(kinds(rig.effects).includes('promote'));
  t.end();
});

await t.test('rule 8: beside a master without agent that ends, a second is waited', (t) => {
  const legacy = pod(1, { managed: false, leaving: true });
  const instance: Instance = { ...limbo, role: 'master', upstream: null, replid: 'old' };
  const seen = { reachable: true, instance, pod: 'redis-1', volume: 'u1', seenAt: 0 } as const;
  const unmanaged = new Map([['u1', seen]]);
  const rig = anew(deciding({}, [pod(0), legacy, pod(2)]), { unmanaged });
  rig.tick(10);
  t.same(uidsAsked(rig), ['u1', 'u2']);
  rig.tick(1009);
  t.notOk(kinds(rig.effects).includes('promote'));
  rig.tick(1010);
  t.ok(kinds(rig.effects).includes('promote'));
  t.end();
});
