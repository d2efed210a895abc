// --isolation: an open master needs a replica for each write, where the group is large enough (DESIGN 5).

import t from 'tap';
import type { AgentReport } from '../../src/wire.ts';
import type { CoreConfig, Effect, PodView } from '../../agent/core/model.ts';
import { reportOf } from '../../agent/core/report.ts';
import { pod } from './core-fixtures.ts';
import { context, limboOf, master, Rig, synced, writtenLease } from './core-rig.ts';

const THREE = [pod(0), pod(1), pod(2)];
const REFUSING = /^RO_ISOLATED/;

const opens = (effects: readonly Effect[]): boolean[] =>
  effects.flatMap((effect) => (effect.kind === 'open' ? [effect.isolated] : []));

/** Just promoted: no replica is heard yet. `changes` are of the configuration. */
function leading(pods: PodView[] = THREE, changes: Partial<CoreConfig> = {}): Rig {
  const rig = Rig.leading({ isolates: true, ...changes }, pods);
  rig.state = { ...rig.state, isIsolated: false, peers: new Map(), reason: '' };
  return rig;
}

/** Renewals and role commands are answered; `look` tells of peers. */
function pass(rig: Rig, ms: number, look: () => void = () => undefined): readonly Effect[] {
  const asked: Effect[] = [];
  rig.pass(rig.now + ms, () => {
    look();
    rig.see(master);
    rig.tick();
    for (const effect of rig.effects.splice(0)) {
      asked.push(effect);
      if (effect.kind === 'open') rig.done(master);
      if (effect.kind !== 'write-lease') continue;
      const lease = writtenLease(effect.write);
      rig.feed({ kind: 'lease-written', id: effect.id, outcome: 'ok', lease });
    }
  });
  return asked;
}

const weaknesses = (rig: Rig): AgentReport['weaknesses'] => reportOf(rig.state, context).weaknesses;

function isolated(pods = THREE): Rig {
  const rig = leading(pods);
  pass(rig, 1500, () => synced(rig));
  return rig;
}

await t.test(
  'isolation: writes are opened without it, it follows the first replica in sync',
  (t) => {
    const rig = leading();
    t.equal(rig.state.phase, 'Leading');
    const before = pass(rig, 2000, () => rig.peer(1, { instance: limboOf(1) }));
    t.same(opens(before), [], 'who is not in sync yet is not counted on');
    t.equal(rig.state.isIsolated, false);
    t.match(weaknesses(rig), ['--isolation is not in force: no replica is in sync yet']);
    t.same(opens(pass(rig, 500, () => synced(rig))), [true]);
    t.equal(rig.state.isIsolated, true);
    t.match(rig.state.reason, /^isolated: /);
    t.same(weaknesses(rig), []);
    t.end();
  },
);

await t.test('isolation: it stays where the replicas are lost, and is told', (t) => {
  const rig = isolated();
  t.equal(rig.state.problem, null);
  t.same(opens(pass(rig, 10_000)), [], 'nobody is heard');
  t.match(rig.state.problem, REFUSING);
  t.equal(rig.state.phase, 'Leading');
  pass(rig, 100, () => synced(rig));
  t.equal(rig.state.problem, null, 'until one is back');
  t.end();
});

await t.test('isolation: it hides no other problem, and ends none', (t) => {
  const rig = isolated();
  rig.state = { ...rig.state, problem: 'another' };
  pass(rig, 2000);
  t.equal(rig.state.problem, 'another');
  pass(rig, 100, () => synced(rig));
  t.equal(rig.state.problem, 'another', 'with a replica in sync');
  t.end();
});

await t.test('isolation: a group of fewer than three members is not isolated', (t) => {
  const rig = leading([pod(0), pod(1)]);
  t.same(opens(pass(rig, 5000, () => synced(rig))), []);
  t.match(weaknesses(rig), [
    '--isolation is not in force: it needs 3 members, and the group has 2',
  ]);
  t.end();
});

await t.test('isolation: it is lifted where the group was made smaller than three', (t) => {
  const rig = isolated();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  t.same(opens(pass(rig, 2900)), [], 'not where a pod is being replaced');
  t.same(opens(pass(rig, 500)), [false]);
  t.equal(rig.state.reason, 'not isolated: it needs 3 members, and the group has 1');
  t.equal(rig.state.problem, null);
  rig.feed({ kind: 'pods', pods: THREE });
  t.same(opens(pass(rig, 500, () => synced(rig))), [true], 'and comes back with the members');
  t.end();
});

await t.test('isolation: pods that do not run count, for they are to come back', (t) => {
  const rig = isolated();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1, { leaving: true }), pod(2, { ip: null })] });
  t.same(opens(pass(rig, 5000)), []);
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1), pod(2, { terminal: true })] });
  t.same(opens(pass(rig, 5000)), [false], 'those that ended do not');
  t.end();
});

await t.test('isolation: what Redis did not carry out is asked again after a second', (t) => {
  const rig = leading();
  const until = (ms: number): readonly Effect[] => {
    rig.effects = [];
    rig.pass(rig.now + ms, () => {
      synced(rig);
      rig.see(master);
      if (rig.state.pendingRedis !== null) rig.done(null);
    });
    return rig.effects;
  };
  until(1000);
  t.same(opens(until(950)), [true]);
  t.equal(rig.state.isIsolated, false);
  t.end();
});

await t.test('isolation: a promotion begins without it', (t) => {
  const rig = isolated();
  rig.state = { ...rig.state, phase: 'Promoting', opened: null, pendingRedis: null };
  rig.state = { ...rig.state, pendingRedis: { id: 900, kind: 'promote', sentAt: rig.now } };
  t.same(opens(rig.done(master)), [false]);
  rig.done(master);
  t.equal(rig.state.isIsolated, false);
  t.end();
});

await t.test('isolation: unless it was asked for nothing is set, and nothing told', (t) => {
  const rig = leading(THREE, { isolates: false });
  t.same(opens(pass(rig, 5000, () => synced(rig))), []);
  t.same(weaknesses(rig), []);
  t.end();
});

await t.test('isolation: only an open master tells that it is not in force', (t) => {
  const rig = leading();
  t.not(weaknesses(rig).length, 0);
  rig.state = { ...rig.state, phase: 'Fenced' };
  t.same(weaknesses(rig), []);
  t.end();
});
