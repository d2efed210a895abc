// Row of Boot: what an agent waits for before it acts, measured from its own start.

import t from 'tap';
import type { Instance, LocalRedis } from '../../agent/core/model.ts';
import { initialState } from '../../agent/core/step.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { kinds, lease, master, Rig, SELF, silent } from './core-rig.ts';

const BOOTED_AT = 50_000;

/** An agent that starts on a machine that has been running for a while. */
function started(): Rig {
  const rig = new Rig();
  rig.state = initialState(config, BOOTED_AT);
  rig.now = BOOTED_AT;
  return rig;
}

const reached = (instance: Instance): LocalRedis => ({
  reachable: true,
  instance,
  seenAt: BOOTED_AT,
});

/** Its Lease names the agent before it. */
function replaced(redis: LocalRedis): Rig {
  const rig = started();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  rig.feed({ kind: 'redis', redis });
  rig.feed({ kind: 'lease', lease: lease({ holder: { ...SELF, agentId: 'a' } }) });
  return rig;
}

await t.test('Boot: F and patience run from the start of the agent', (t) => {
  const beside = (instance: Instance, ms: number): string => {
    const rig = started();
    rig.see(instance, BOOTED_AT + ms);
    return rig.state.phase;
  };
  t.equal(beside(master, config.timing.fenceMs - 1), 'Boot');
  t.equal(beside(master, config.timing.fenceMs), 'Fenced');
  t.equal(beside(limbo, 1999), 'Boot');
  t.equal(beside(limbo, 2000), 'Fenced');
  const rig = replaced(reached(master));
  rig.tick(BOOTED_AT + config.timing.fenceMs);
  t.equal(rig.state.phase, 'Boot');
  rig.tick(BOOTED_AT + config.timing.fenceMs + 1);
  t.equal(rig.state.phase, 'Fenced');
  t.end();
});

await t.test('Boot: a master waits for the list of pods as well as for the Lease', (t) => {
  const rig = started();
  rig.feed({ kind: 'lease', lease: null });
  rig.see(master);
  t.equal(rig.state.phase, 'Boot');
  t.same(kinds(rig.effects), []);
  t.end();
});

await t.test('Boot: a Redis that does not answer is waited for, two seconds long', (t) => {
  const rig = started();
  rig.feed({ kind: 'pods', pods: [pod(0)] });
  rig.feed({ kind: 'lease', lease: lease() });
  rig.tick(BOOTED_AT + 1999);
  t.equal(rig.state.phase, 'Boot', 'it was not asked yet');
  rig.tick(BOOTED_AT + 2000);
  t.equal(rig.state.phase, 'Fenced');
  const mute = started();
  mute.feed({ kind: 'pods', pods: [pod(0)] });
  mute.feed({ kind: 'lease', lease: lease() });
  mute.feed({ kind: 'redis', redis: silent(BOOTED_AT, false) });
  t.equal(mute.state.phase, 'Fenced', 'one that was asked in vain is not');
  t.same(kinds(mute.effects), []);
  t.end();
});

await t.test(
  'rule 16: beside no master the renewal of the Lease is waited for without end',
  (t) => {
    const late = BOOTED_AT + config.timing.fenceMs + 1;
    for (const redis of [reached(limbo), silent(BOOTED_AT, true)]) {
      const rig = replaced(redis);
      rig.tick(late);
      t.equal(rig.state.phase, 'Boot');
      t.same(kinds(rig.effects), ['write-lease']);
      rig.written('ok');
      t.equal(rig.state.phase, 'Deciding');
    }
    t.end();
  },
);
