// Row of HandingOver: the pod ends, a replica in sync takes over, and nothing is lost.

import t from 'tap';
import type { AgentReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import { lease, limboOf, silent, Rig, synced, writes, kinds } from './core-rig.ts';

const leaving = [pod(0, { leaving: true }), pod(1)];

function begin(): Rig {
  const rig = Rig.leading();
  rig.effects = [];
  rig.feed({ kind: 'pods', pods: leaving });
  return rig;
}

await t.test(
  'HandingOver: limbo first, then a transfer whose goal is the offset that EXEC returned',
  (t) => {
    const rig = Rig.leading();
    rig.effects = [];
    rig.feed({ kind: 'pods', pods: [pod(0, { leaving: true }), pod(1)] });
    t.equal(rig.state.phase, 'HandingOver');
    t.match(kinds(rig.effects), ['limbo']);
    const asked = rig.effects.splice(0)[0];
    if (asked?.kind !== 'limbo') return t.fail('no limbo');
    rig.feed({
      kind: 'redis-done',
      id: asked.id,
      result: { ok: true, instance: { ...limbo, offset: 120 } },
    });
    const [write] = writes(rig.effects);
    t.match(write, { op: 'transfer', holder: { pod: 'redis-1' }, record: { goal: 120 } });
    t.end();
  },
);

await t.test('a person who stops the agent with its pod starts the hand-over as well', (t) => {
  const rig = Rig.leading();
  rig.feed({ kind: 'terminate' });
  t.equal(rig.state.phase, 'HandingOver');
  t.end();
});

await t.test('a hand-over needs a live, linked replica in sync that stays', (t) => {
  const linked = limboOf(1, { replid: 'bbb', linkUp: true, upstream: '10.0.0.0:6379' });
  const useless: Partial<AgentReport>[] = [
    { inSync: false },
    { leaving: true },
    { instance: { ...linked, upstream: '10.0.0.9:6379' } },
    { instance: { ...linked, priority: 0 } },
    { instance: { ...linked, offset: 100 - 4 * 1024 * 1024 - 1 } },
  ];
  for (const report of useless) {
    const rig = Rig.leading();
    synced(rig, report);
    rig.feed({ kind: 'pods', pods: leaving });
    t.equal(rig.state.phase, 'Leading', JSON.stringify(Object.keys(report)));
  }
  const deaf = Rig.leading();
  deaf.feed({ kind: 'pods', pods: leaving }, deaf.now + 1600);
  t.equal(deaf.state.phase, 'Leading', 'it was not heard for 1.5 s');
  t.equal(begin().state.phase, 'HandingOver');
  t.end();
});

await t.test('HandingOver: limbo that is not confirmed for 1.5 s fences', (t) => {
  const rig = begin();
  const since = rig.now;
  rig.tick(since + 1500);
  t.equal(rig.state.phase, 'HandingOver');
  rig.tick(since + 1501);
  t.equal(rig.state.phase, 'Fencing');
  t.same(
    writes(rig.effects).filter(({ op }) => op === 'transfer'),
    [],
  );
  t.end();
});

await t.test('HandingOver: another holder, no Lease, a later term or no validity fences', (t) => {
  const events = [
    (rig: Rig) => rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '99', term: 9 }) }),
    (rig: Rig) => rig.feed({ kind: 'lease', lease: null }),
    (rig: Rig) => synced(rig, { term: 9 }),
    (rig: Rig) => {
      rig.state = { ...rig.state, validUntil: rig.now };
      rig.tick();
    },
  ];
  for (const happens of events) {
    const rig = begin();
    happens(rig);
    t.equal(rig.state.phase, 'Fencing');
  }
  t.end();
});

await t.test('HandingOver: a Redis that went away or restarted is decided anew', (t) => {
  const gone = begin();
  gone.feed({ kind: 'redis', redis: silent(gone.now, true) });
  t.equal(gone.state.phase, 'Deciding');
  const restarted = begin();
  restarted.see({ ...limbo, runId: 'another' });
  t.equal(restarted.state.phase, 'Deciding');
  t.end();
});

await t.test('HandingOver: a target that fell silent is decided anew', (t) => {
  const mute = begin();
  const since = mute.now;
  mute.done({ ...limbo, offset: 120 }, since + 10);
  mute.written('error', since + 20);
  mute.tick(since + 1600);
  t.equal(mute.state.phase, 'Deciding');
  t.end();
});

await t.test('HandingOver: a swap that is not accepted for 800 ms is decided anew', (t) => {
  const rig = begin();
  const since = rig.now;
  rig.state = { ...rig.state, validUntil: since + 10_000 };
  rig.done({ ...limbo, offset: 120 });
  const look = (): void => {
    synced(rig);
    if (rig.state.pendingWrite !== null) rig.written('error');
  };
  rig.pass(since + 2300, look);
  t.equal(rig.state.phase, 'HandingOver');
  rig.pass(since + 2350, look);
  t.equal(rig.state.phase, 'Deciding');
  t.end();
});
