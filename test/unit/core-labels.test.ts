// Role labels (DESIGN 11): only the holder of an open master owns them, and its own comes first.

import t from 'tap';
import { labelChanges } from '../../agent/core/labels.ts';
import type { PodView } from '../../agent/core/model.ts';
import { pod } from './core-fixtures.ts';
import { limboOf, Rig, silent, synced } from './core-rig.ts';

const changes = (rig: Rig): string[] =>
  labelChanges(rig.state).map((change) => `${change.pod.name} ${change.role ?? 'none'}`);

function leading(pods: readonly PodView[]): Rig {
  const rig = Rig.leading();
  rig.feed({ kind: 'pods', pods });
  synced(rig);
  return rig;
}

await t.test("the holder's own label comes first, then it is taken off all others", (t) => {
  const pods = [pod(1, { role: 'master' }), pod(0), pod(2, { role: 'master' })];
  t.same(changes(leading(pods)), ['redis-0 master', 'redis-1 replica', 'redis-2 none']);
  const labelled = [pod(0, { role: 'master' }), pod(1, { role: 'replica' })];
  t.same(changes(leading(labelled)), [], 'what is true is left alone');
  t.end();
});

await t.test('nobody but the holder of an open master changes labels', (t) => {
  const rig = leading([pod(0), pod(1)]);
  rig.feed({ kind: 'redis', redis: silent(rig.now, false) });
  t.equal(rig.state.phase, 'Leading');
  t.same(changes(rig), [], 'its Redis does not answer');
  const fencing = leading([pod(0), pod(1)]);
  synced(fencing, { term: 9 });
  t.same(changes(fencing), []);
  t.end();
});

await t.test('a silent or fenced replica keeps its label, and gets none', (t) => {
  const rig = leading([pod(0, { role: 'master' }), pod(1, { role: 'replica' })]);
  rig.peer(1, { role: 'limbo', instance: limboOf(1) });
  t.same(changes(rig), []);
  rig.feed({ kind: 'pods', pods: [pod(0, { role: 'master' }), pod(1)] });
  t.same(changes(rig), []);
  rig.feed({ kind: 'pods', pods: [pod(0, { role: 'master' }), pod(1, { role: 'replica' })] });
  rig.peer(1, { role: 'master', instance: limboOf(1) });
  t.same(changes(rig), ['redis-1 none'], 'unless it says that it is master');
  t.end();
});

await t.test('a pod that ended, or has no agent, keeps no label', (t) => {
  const pods = [
    pod(0, { role: 'master' }),
    pod(1, { role: 'replica', terminal: true }),
    pod(2, { role: 'replica', managed: false }),
  ];
  t.same(changes(leading(pods)), ['redis-1 none', 'redis-2 none']);
  t.end();
});
