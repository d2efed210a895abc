// What settings and rights of a Redis keep it from: a master that nobody reaches, a promotion by half.

import t from 'tap';
import type { Obstacle } from '../../agent/core/model.ts';
import { reportOf, unreadiness } from '../../agent/core/report.ts';
import { limbo, pod } from './core-fixtures.ts';
import { context, kinds, lease, master, Rig } from './core-rig.ts';

const hidden: Obstacle = { kind: 'hidden', problem: 'RO_REDIS_HIDDEN: bind 127.0.0.1' };
const denied: Obstacle = { kind: 'denied', problem: 'RO_REDIS_COMMAND_DENIED: CONFIG SET' };
const weaker: Obstacle = { kind: 'weaker', problem: 'RO_REDIS_COMMAND_DENIED: CLIENT KILL' };

/** Beside this Redis; nobody else speaks, and nobody held a Lease. */
function beside(obstacle: Obstacle, pods = [pod(0)]): Rig {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods });
  rig.feed({ kind: 'lease', lease: null });
  rig.see({ ...limbo, keys: 0, obstacle });
  return rig;
}

const report = (rig: Rig) => reportOf(rig.state, context);
const wait = (rig: Rig) => rig.pass(rig.now + 20_000);

await t.test('a Redis that nobody else reaches counts as of priority 0, and says why', (t) => {
  const rig = beside(hidden, [pod(0), pod(1)]);
  wait(rig);
  t.match(report(rig), { instance: { priority: 0 }, problem: /RO_REDIS_HIDDEN: bind 127.0.0.1/ });
  t.notOk(kinds(rig.effects).includes('write-lease'));
  t.notMatch(JSON.stringify(report(rig).instance), /obstacle/);
  t.end();
});

await t.test('a Redis that nobody else reaches leads where its pod is alone', (t) => {
  const rig = beside(hidden);
  wait(rig);
  t.match(report(rig), { instance: { priority: 100 }, isHealthy: false });
  t.ok(kinds(rig.effects).includes('write-lease'));
  t.end();
});

await t.test('what its agent may not manage is left as it is: no fence, no Lease', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1)] });
  rig.feed({ kind: 'lease', lease: lease() });
  rig.see({ ...master, obstacle: denied });
  wait(rig);
  t.same(rig.effects, []);
  t.equal(rig.state.phase, 'Boot');
  t.match(report(rig), { instance: { priority: 0 }, problem: denied.problem });
  t.equal(unreadiness(rig.state), denied.problem, 'the next pod is not replaced before');
  rig.see(master);
  t.same(kinds(rig.effects), ['limbo'], 'as soon as it is allowed');
  t.end();
});

await t.test('what is only lacking is told, and hinders nothing', (t) => {
  const rig = beside(weaker, [pod(0)]);
  wait(rig);
  t.match(report(rig), { instance: { priority: 100 }, problem: /CLIENT KILL/ });
  t.ok(kinds(rig.effects).includes('write-lease'));
  t.end();
});
