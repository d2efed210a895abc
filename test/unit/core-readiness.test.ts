// Readiness (DESIGN 6): it never asks for a role, or an ordered start would wait for ever.

import t from 'tap';
import { unreadiness } from '../../agent/core/report.ts';
import { limbo } from './core-fixtures.ts';
import { lease, limboOf, Rig, silent } from './core-rig.ts';

await t.test('without a master everybody whose Redis answers is ready', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  t.equal(unreadiness(rig.state), null);
  rig.see({ ...limbo, loading: true });
  t.match(unreadiness(rig.state), /loading/);
  rig.feed({ kind: 'redis', redis: silent(0, true) });
  t.match(unreadiness(rig.state), /does not answer/);
  t.end();
});

await t.test('who has not listed the group yet is not ready', (t) => {
  const rig = Rig.fenced(lease({ term: 2 }));
  t.match(unreadiness({ ...rig.state, pods: null }), /has not told of the group/);
  t.match(unreadiness({ ...rig.state, lease: { kind: 'unknown' } }), /has not told of the group/);
  t.end();
});

await t.test('beside a master a replica is ready once it is in sync', (t) => {
  const rig = Rig.fenced(lease());
  const replica = { ...limbo, upstream: { host: '10.0.0.1', port: 6379 }, linkUp: true };
  rig.done(replica, 10);
  const tell = (offset: number, atMs: number): void => {
    rig.now = atMs;
    rig.peer(1, { role: 'master', isMaster: true, offset, instance: limboOf(1) });
  };
  tell(200, 20);
  t.match(unreadiness(rig.state), /not in sync/);
  rig.see({ ...replica, offset: 200 }, 30);
  t.equal(unreadiness(rig.state), null);
  t.end();
});
