// Which reports of a peer are news, and which only show that it lives.

import t from 'tap';
import { isHeartbeat } from '../../agent/core/heartbeat.ts';
import type { AgentReport, InstanceReport } from '../../src/wire.ts';
import { config, limbo, pod } from './core-fixtures.ts';
import { kinds, lease, limboOf, Rig } from './core-rig.ts';

/** Whether redis-n only shows that it lives where it tells this after that. */
function isRepeated(
  rig: Rig,
  changes: Partial<AgentReport>,
  before: Partial<AgentReport> = changes,
  n = 2,
): boolean {
  rig.peer(n, before);
  const known = rig.state.peers.get(`u${n}`);
  if (known === undefined) throw new Error('it was not heard');
  const report = { ...known.report, ...changes };
  return isHeartbeat(rig.state, { kind: 'peer', report, startedEpochMs: known.startedEpochMs });
}

const replica = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true };
function following(): Rig {
  const rig = Rig.fenced(lease(), [pod(0), pod(1), pod(2)]);
  rig.done(replica);
  return rig;
}

await t.test('what an instance shows is news where it is not what it showed', (t) => {
  const instance = limboOf(2);
  t.equal(isRepeated(Rig.leading(), { instance }), true);
  const others: Partial<InstanceReport>[] = [
    { runId: 'again' },
    { replid: 'bbb' },
    { replid2: 'aaa' },
    { secondOffset: 5 },
    { priority: 1 },
    { keys: 9 },
    { loading: true },
    { syncing: true },
    { linkUp: true },
    { upstream: null },
    { unwritable: 'aof' },
  ];
  for (const change of others) {
    const news = { instance: { ...instance, ...change } };
    t.equal(isRepeated(Rig.leading(), news, { instance }), false, JSON.stringify(change));
  }
  t.equal(
    isRepeated(Rig.leading(), { instance: { ...instance, offset: 900 } }, { instance }),
    true,
  );
  t.end();
});

await t.test('a Redis that goes on not answering is no news, and one that begins to is', (t) => {
  t.equal(isRepeated(Rig.leading(), { instance: null }), true);
  t.equal(isRepeated(Rig.leading(), { instance: limboOf(2) }, { instance: null }), false);
  t.equal(isRepeated(Rig.leading(), { instance: null }, { instance: limboOf(2) }), false);
  t.end();
});

await t.test('a replica looks at all that its master tells, for its offset counts', (t) => {
  const instance = limboOf(2);
  t.equal(isRepeated(following(), { instance }), true, 'of others it does not');
  t.equal(isRepeated(following(), {}, {}, 1), false);
  const released = following();
  released.state = { ...released.state, lease: { kind: 'absent', since: 0, last: null } };
  t.equal(isRepeated(released, { instance }), true, 'nobody holds the group');
  t.end();
});

await t.test('who neither leads nor follows looks at everything', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }), [pod(0), pod(1), pod(2)]);
  t.equal(rig.state.phase, 'Fenced');
  t.equal(isRepeated(rig, { instance: limboOf(2) }), false);
  t.end();
});

await t.test('what only shows that a peer lives begins nothing: the next tick does', (t) => {
  const rig = Rig.leading();
  rig.peer(2, { instance: limboOf(2) });
  rig.effects = [];
  rig.now = rig.state.renewSentAt + config.timing.renewMs;
  rig.peer(2, { instance: limboOf(2) });
  t.same(kinds(rig.effects), []);
  rig.tick();
  t.ok(kinds(rig.effects).includes('write-lease'));
  t.end();
});
