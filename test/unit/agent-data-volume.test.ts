// By which claim a pod's data are known: always by the same one.

import t from 'tap';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { dataVolume } from '../../agent/kube/data-volume.ts';
import { AGENT_CONTAINER, STATUS_ANNOTATION } from '../../src/names.ts';

type Mounts = Readonly<Record<string, string>>;

function container(name: string, mounts: Mounts, args: string[] = []): V1Container {
  const volumeMounts = Object.entries(mounts).map(([volume, mountPath]) => ({
    name: volume,
    mountPath,
  }));
  return { name, image: 'redis:7', args, volumeMounts };
}

function pod(volumes: readonly string[], containers: V1Container[], annotations = {}): V1Pod {
  return {
    metadata: { name: 'redis-0', uid: 'u0', annotations },
    spec: {
      containers,
      volumes: volumes.map((name) => ({
        name,
        persistentVolumeClaim: { claimName: `${name}-redis-0` },
      })),
    },
  };
}

/** In whatever order the claims stand in the pod. */
function everyOrder(volumes: readonly string[], containers: V1Container[]): string {
  const found = [volumes, volumes.toReversed()].map((each) => dataVolume(pod(each, containers)));
  return [...new Set(found)].join(' or ');
}

await t.test('the claim at the data folder, in whatever order the claims stand', (t) => {
  const redis = container('redis', { backup: '/backup', data: '/data' });
  t.equal(everyOrder(['backup', 'data'], [redis]), 'pvc/data-redis-0');
  t.end();
});

await t.test('the folder of --dir, also below the mount', (t) => {
  const mounts = { data: '/data', store: '/var/lib' };
  const redis = container('redis', mounts, ['--dir', '/var/lib/redis']);
  t.equal(everyOrder(['data', 'store'], [redis]), 'pvc/store-redis-0');
  const shell = container('redis', mounts, ['exec redis-server --dir "/var/lib/redis" --save ""']);
  t.equal(everyOrder(['data', 'store'], [shell]), 'pvc/store-redis-0');
  t.end();
});

await t.test("bitnami's folder, and the closest mount to it", (t) => {
  const redis = container('redis', { all: '/bitnami', data: '/bitnami/redis/data' });
  t.equal(everyOrder(['all', 'data'], [redis]), 'pvc/data-redis-0');
  t.end();
});

await t.test('no mount at a data folder: the smallest name', (t) => {
  const redis = container('redis', { zeta: '/z', alpha: '/a' });
  t.equal(everyOrder(['zeta', 'alpha'], [redis]), 'pvc/alpha-redis-0');
  t.equal(everyOrder(['zeta', 'alpha'], [container('redis', {})]), 'pvc/alpha-redis-0');
  t.end();
});

await t.test('what other containers mount does not count', (t) => {
  const redis = container('redis', { rows: '/rows' });
  const agent = container(AGENT_CONTAINER, { agent: '/data' });
  t.equal(everyOrder(['rows', 'agent'], [agent, redis]), 'pvc/rows-redis-0');
  const exporter = container('exporter', { data: '/data' });
  const status = { [STATUS_ANNOTATION]: '{"version":1,"container":"redis","auth":"none"}' };
  t.equal(dataVolume(pod(['data', 'rows'], [exporter, redis], status)), 'pvc/rows-redis-0');
  t.end();
});

await t.test('without a claim: the pod itself', (t) => {
  t.equal(dataVolume(pod([], [container('redis', {})])), 'u0');
  t.end();
});
