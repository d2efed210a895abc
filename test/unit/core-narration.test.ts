// What is told because it ended, or because it lasts: from the memory of what was told before.

import t from 'tap';
import type { AgentEvent, AgentState } from '../../agent/core/model.ts';
import { type Memory, narrate, NOTHING_TOLD } from '../../agent/core/narration.ts';
import type { Notice } from '../../agent/core/notice-table.ts';
import { pod } from './core-fixtures.ts';
import { limboOf, Rig, synced } from './core-rig.ts';

/** Tells what each step of a rig makes an agent tell. */
class Teller {
  memory: Memory = NOTHING_TOLD;

  tell(before: AgentState, event: AgentEvent, after: AgentState): readonly Notice[] {
    const told = narrate(this.memory, { before, event, after });
    this.memory = told.memory;
    return told.notices;
  }

  listen(rig: Rig): Notice[] {
    const heard: Notice[] = [];
    const feed = rig.feed.bind(rig);
    rig.feed = (event: AgentEvent, atMs?: number) => {
      const before = rig.state;
      const effects = feed(event, atMs);
      heard.push(...this.tell(before, event, rig.state));
      return effects;
    };
    return heard;
  }
}

/** One tick of a state that stays as it is. */
function ticked(teller: Teller, state: AgentState, now: number): readonly Notice[] {
  const after = { ...state, now };
  return teller.tell(after, { kind: 'tick' }, after);
}

const reasons = (notices: readonly Notice[]): readonly string[] =>
  notices.map(({ reason }) => reason);

await t.test('SplitBrainResolved: who is kept, why, and after how long', (t) => {
  const rig = Rig.leading();
  synced(rig);
  const told = new Teller().listen(rig);
  rig.peer(1, { role: 'master' });
  rig.tick(rig.now + 500);
  rig.peer(1, { role: 'master' });
  t.same(reasons(told), ['SplitBrainDetected']);
  rig.tick(rig.now + 1000);
  rig.peer(1, { role: 'limbo' });
  t.match(told[1], {
    reason: 'SplitBrainResolved',
    note: /^redis-0 is kept, because the Lease names it for term \d+: the Redis of redis-1 takes no writes any more, after 1\.5 s$/,
  });
  rig.peer(1, { role: 'limbo' });
  t.equal(told.length, 2, 'once');
  t.end();
});

await t.test('SplitBrainResolved: fenced from here, or its pod has ended', (t) => {
  const fenced = Rig.leading();
  synced(fenced);
  const told = new Teller().listen(fenced);
  const event = { kind: 'remote-fenced', uid: 'u1', isConfirmed: true, instance: null } as const;
  fenced.feed({ ...event, wasMaster: true });
  t.match(told, [
    { reason: 'SplitBrainDetected' },
    { note: /redis-1 was put into limbo from there/ },
  ]);
  const ended = Rig.leading();
  synced(ended);
  const more = new Teller().listen(ended);
  ended.peer(1, { role: 'master' });
  ended.feed({ kind: 'pods', pods: [pod(0, { role: 'master' })] });
  t.match(more.at(-1), { reason: 'SplitBrainResolved', note: /the pod redis-1 has ended/ });
  t.end();
});

await t.test('a change of master resolves nothing, and who leads no more tells no end', (t) => {
  const rig = Rig.leading();
  synced(rig);
  const told = new Teller().listen(rig);
  rig.peer(1, { role: 'limbo' });
  rig.peer(1, { role: 'replica' });
  t.same(told, []);
  const teller = new Teller();
  teller.memory = { ...NOTHING_TOLD, rivals: new Map([['u1', { pod: 'redis-1', since: 0 }]]) };
  const fenced = { ...rig.state, phase: 'Fenced' } as const;
  t.same(ticked(teller, fenced, rig.now), []);
  t.equal(teller.memory.rivals.size, 0);
  t.end();
});

await t.test('Unfenced: it leads again, or follows, with the time', (t) => {
  const { state } = Rig.leading();
  const at = (phase: AgentState['phase'], now: number, changes = {}): AgentState => ({
    ...state,
    phase,
    now,
    ...changes,
  });
  const told = (path: readonly AgentState[]): readonly Notice[] => {
    const teller = new Teller();
    return path
      .slice(1)
      .flatMap((after, index) => teller.tell(path[index] ?? after, { kind: 'tick' }, after));
  };
  const leads = told([
    at('Leading', 0),
    at('Fencing', 10),
    at('Promoting', 20),
    at('Leading', 2510),
  ]);
  t.match(leads.at(-1), {
    reason: 'Unfenced',
    note: /^it is master of term \d+, 2\.5 s after it was/,
  });
  const replica = limboOf(0, { linkUp: true, upstream: '10.0.0.1:6379' });
  const following = { redis: { reachable: true, instance: replica, seenAt: 0 } };
  const follows = told([at('Leading', 0), at('Fencing', 10), at('Following', 1010, following)]);
  t.match(follows.at(-1), { reason: 'Unfenced', note: /^it follows / });
  t.same(reasons(told([at('Promoting', 0), at('Leading', 10)])).includes('Unfenced'), false);
  t.end();
});

await t.test('NoCandidate: after half a minute, once, with the reason of each', (t) => {
  const { state } = Rig.leading({}, [pod(0, { role: 'master' }), pod(1, { role: 'replica' })]);
  const teller = new Teller();
  t.same(ticked(teller, state, 2000), [], 'the peer of the rig is silent by now');
  t.same(ticked(teller, state, 31_000), []);
  t.match(ticked(teller, state, 32_000), [
    {
      reason: 'NoCandidate',
      note: 'nobody could take over from redis-0: redis-1: its agent is silent',
    },
  ]);
  t.same(ticked(teller, state, 40_000), [], 'once');
  const alone = { ...state, pods: [pod(0, { role: 'master' })] };
  t.same(ticked(teller, alone, 42_000), [], 'one pod alone has nobody who could be missing');
  t.same(ticked(teller, state, 73_000), [], 'and the half minute begins anew');
  t.end();
});

await t.test(
  'WeakProtection: by its code, after ten seconds; one with an Event of its own is not told twice',
  (t) => {
    const { state } = Rig.leading();
    const config = { ...state.config, bootFence: false, isolates: true, killsFrozen: true };
    const weak = { ...state, config, isIsolated: false, killFault: 'no shareProcessNamespace' };
    const teller = new Teller();
    t.notOk(reasons(ticked(teller, weak, 1000)).includes('WeakProtection'));
    const told = ticked(teller, weak, 11_000).filter(({ reason }) => reason === 'WeakProtection');
    t.match(told, [
      { note: /^boot_fence: this Redis does not start/ },
      { note: /^isolation: --isolation is not/ },
    ]);
    t.equal(told.length, 2, 'the kill is told as KillUnavailable');
    t.end();
  },
);
