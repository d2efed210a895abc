// Which pods are watched and which of them belong to the group.

import t from 'tap';
import type { V1Pod } from '@kubernetes/client-node';
import { groupOf } from '../../agent/kube/group.ts';
import { GROUP_LABEL } from '../../src/names.ts';

const config = { group: undefined, labelSelector: 'app=redis' };

function pod(labels: Readonly<Record<string, string>>, owner = 'set-1'): V1Pod {
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name: owner, uid: owner, controller: true },
  ];
  return { metadata: { namespace: 'shop', labels: { ...labels }, ownerReferences } };
}

await t.test('the group label is watched, and pods like ours that have none', (t) => {
  const self = pod({ app: 'cache', team: 'shop', [GROUP_LABEL]: 'redis' });
  const group = groupOf(self, config);
  t.same(group.selectors, [`${GROUP_LABEL}=redis`, `app=cache,!${GROUP_LABEL}`]);
  t.ok(group.belongs(pod({ app: 'other', [GROUP_LABEL]: 'redis' }, 'set-2')), 'another app label');
  t.notOk(group.belongs(pod({ app: 'cache', [GROUP_LABEL]: 'queue' })), 'another group');
  t.ok(group.belongs(pod({ app: 'cache' })), 'of our StatefulSet, without an agent yet');
  t.notOk(group.belongs(pod({ app: 'cache' }, 'set-2')), 'of another StatefulSet');
  t.end();
});

await t.test('no pod is in two watches', (t) => {
  const { selectors } = groupOf(pod({ [GROUP_LABEL]: 'redis' }), config);
  t.same(selectors, [`${GROUP_LABEL}=redis`, `!${GROUP_LABEL}`]);
  t.end();
});

await t.test('a sidecar written by hand, without a group label: what the selector matches', (t) => {
  const group = groupOf(pod({ app: 'redis' }), config);
  t.same(group.selectors, ['app=redis']);
  t.ok(group.belongs(pod({ app: 'redis' }, 'set-2')));
  t.end();
});
