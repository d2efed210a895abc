// What an agent tells its peers and everybody: the body of /state, from the state alone.

import t from 'tap';
import { attachmentTo } from '../../agent/core/attachment.ts';
import type { LocalRedis } from '../../agent/core/model.ts';
import { reportOf, unhealthiness, unreadiness } from '../../agent/core/report.ts';
import type { AgentReport } from '../../src/wire.ts';
import { limbo, pod } from './core-fixtures.ts';
import { context, lease, limboOf, master, Rig, silent, synced } from './core-rig.ts';

const told = (rig: Rig): AgentReport => reportOf(rig.state, { ...context, epochOffsetMs: 1000 });
const replica = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true };

await t.test('a master is told where it is open, and who it is', (t) => {
  const rig = Rig.leading();
  t.match(told(rig), {
    isMaster: true,
    isHealthy: true,
    role: 'master',
    state: 'Leading',
    offset: 100,
    lagBytes: 0,
    holder: 'redis-0',
    refused: false,
    inSync: false,
    instance: { runId: 'run0', upstream: null },
  });
  const mute = Rig.leading();
  mute.feed({ kind: 'redis', redis: silent(mute.now, false) });
  t.match(told(mute), { isMaster: false, role: 'unknown', state: 'Leading' }, 'it does not answer');
  rig.see({ ...limbo, role: 'replica' });
  t.match(told(rig), { isMaster: false, role: 'limbo', instance: { upstream: '127.0.0.1:1' } });
  const closed = Rig.fenced(lease());
  closed.state = { ...closed.state, redis: { reachable: true, instance: master, seenAt: 0 } };
  t.match(told(closed), { isMaster: false, role: 'master' }, 'no one is that it does not open');
  t.end();
});

await t.test('how far a replica is behind is measured from what the holder told', (t) => {
  const rig = Rig.fenced(lease());
  rig.done({ ...replica, offset: 90 });
  t.match(told(rig), { lagBytes: null, offset: 90, role: 'replica' });
  rig.now = 10;
  rig.peer(1, { role: 'master', isMaster: true, offset: 150, instance: limboOf(1) });
  rig.peer(2, { role: 'replica', offset: 170, instance: limboOf(2) });
  rig.tick(70);
  t.equal(told(rig).lagBytes, 60);
  t.match(told(rig).peers, [
    { podName: 'redis-1', podIP: '10.0.0.1', role: 'master', offset: 150, lagBytes: 0, ageMs: 60 },
    { podName: 'redis-2', lagBytes: 0 },
  ]);
  const mute = { ...rig.state, redis: silent(70, false) };
  t.equal(reportOf(mute, context).lagBytes, null, 'of its own offset nothing is known');
  rig.feed({ kind: 'lease', lease: lease({ resourceVersion: '11', holder: null }) });
  t.equal(told(rig).lagBytes, null, 'nobody holds the group');
  t.equal(told(rig).inSync, false);
  rig.state = { ...rig.state, attachment: { ...attachmentTo('10.0.0.1'), caughtUp: true } };
  t.equal(told(rig).inSync, true);
  t.end();
});

await t.test('when a Redis was started and seen last is told, also of one that is gone', (t) => {
  const rig = new Rig();
  t.match(told(rig), { startupTime: null, lastSeen: null, role: 'unknown', isHealthy: false });
  rig.see(limbo, 500);
  const at = (ms: number): string => new Date(ms).toISOString();
  t.match(told(rig), { startupTime: at(1000), lastSeen: at(1500), refused: false });
  rig.feed({ kind: 'redis', redis: silent(700, true) }, 900);
  t.match(told(rig), {
    startupTime: at(1000),
    lastSeen: at(1700),
    refused: true,
    offset: null,
    lagBytes: null,
    instance: null,
  });
  rig.feed({ kind: 'redis', redis: { ...silent(700, false), last: null } as LocalRedis }, 900);
  t.match(told(rig), { startupTime: null, refused: false }, 'of one that never answered: nothing');
  t.end();
});

await t.test('a promise is told with its round', (t) => {
  const rig = Rig.fenced(lease());
  t.equal(told(rig).promise, null);
  t.equal(told(rig).failsafeRound, 0, 'nobody is asked for one');
  rig.peer(1, { failsafeRound: 7, agentId: 'x' });
  t.same(told(rig).promise, { agentId: 'x', round: 7 });
  t.end();
});

await t.test('why an instance is not healthy', (t) => {
  const rig = new Rig();
  t.match(unhealthiness(rig.state), /was not reached yet/);
  rig.feed({ kind: 'redis', redis: silent(0, true) });
  t.match(unhealthiness(rig.state), /does not answer: ECONNREFUSED/);
  rig.see({ ...limbo, loading: true });
  t.match(unhealthiness(rig.state), /loading/);
  rig.see(limbo);
  t.equal(unhealthiness(rig.state), null);
  rig.state = { ...rig.state, problem: 'RO_SOMETHING' };
  t.equal(unhealthiness(rig.state), 'RO_SOMETHING');
  t.end();
});

await t.test(
  'an agent that has just started is not ready, nor is one that must not manage',
  (t) => {
    const rig = new Rig();
    rig.see(limbo);
    t.match(unreadiness(rig.state), /just started/);
    const obstacle = { kind: 'denied', problem: 'RO_DENIED' } as const;
    rig.see({ ...limbo, obstacle });
    t.match(unreadiness(rig.state), /RO_DENIED/);
    t.end();
  },
);

await t.test('while pods without agent are not known nobody is ready', (t) => {
  const rig = new Rig();
  rig.feed({ kind: 'pods', pods: [pod(0), pod(1, { managed: false })] });
  rig.feed({ kind: 'lease', lease: null });
  rig.see(limbo);
  t.match(unreadiness(rig.state), /redis-1 has no agent/);
  const instance = { ...limbo, role: 'master', upstream: null } as const;
  const probe = { reachable: true, instance, pod: 'redis-1', volume: 'u1', seenAt: 0 } as const;
  rig.feed({ kind: 'unmanaged', uid: 'u1', probe });
  t.match(unreadiness(rig.state), /not in sync/, 'nor before it follows the one that is adopted');
  t.end();
});

await t.test('a replica is not measured by a master that is silent, or is none', (t) => {
  const begin = (isMaster: boolean): Rig => {
    const rig = Rig.fenced(lease());
    rig.done(replica);
    rig.now = 100;
    rig.peer(1, { role: 'replica', isMaster, instance: limboOf(1) });
    return rig;
  };
  t.equal(unreadiness(begin(false).state), null);
  const rig = begin(true);
  rig.state = { ...rig.state, now: 1600 };
  t.match(unreadiness(rig.state), /not in sync/);
  t.match(unreadiness({ ...rig.state, problem: 'RO_WHY' }), /^RO_WHY/, 'the problem, if any');
  rig.state = { ...rig.state, now: 1601 };
  t.equal(unreadiness(rig.state), null);
  const leading = Rig.leading();
  synced(leading, { isMaster: true });
  t.equal(unreadiness(leading.state), null, 'a master is ready');
  t.end();
});
