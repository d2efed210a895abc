// The ways in which people write a plain Redis, each injected, electing one master and failing over
// on the real cluster: two pods of each.

import type { KubernetesObject, V1Container, V1Volume } from '@kubernetes/client-node';
import t, { type Test } from 'tap';
import { type RedisAccess, redisCommand } from '../harness/redis-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openCluster } from './cluster.ts';
import { Group } from './group.ts';
import { REDIS } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { redisPid } from './processes.ts';

type Shape = {
  readonly name: string;
  readonly what: string;
  readonly container: Partial<V1Container>;
  readonly volumes?: V1Volume[];
  readonly access?: RedisAccess;
};

const PASSWORD = 'not-a-real-one';
const fromSecret = { secretKeyRef: { name: 'redis', key: 'password' } };
const SHAPES: readonly Shape[] = [
  { name: 'no-args', what: 'no arguments', container: {} },
  {
    name: 'args',
    what: 'arguments alone',
    container: { args: ['redis-server', '--appendonly', 'yes', '--maxmemory', '64mb'] },
  },
  {
    name: 'command',
    what: 'a command',
    container: { command: ['redis-server', '--protected-mode', 'no', '--save', ''] },
  },
  {
    name: 'config-file',
    what: 'a configuration file from a ConfigMap',
    container: {
      command: ['redis-server', '/etc/redis/redis.conf'],
      volumeMounts: [{ name: 'config', mountPath: '/etc/redis' }],
    },
    volumes: [{ name: 'config', configMap: { name: 'redis' } }],
  },
  {
    name: 'secret',
    what: 'a password by $(VAR) from a Secret',
    container: {
      args: ['--requirepass', '$(REDIS_PASSWORD)'],
      env: [{ name: 'REDIS_PASSWORD', valueFrom: fromSecret }],
    },
    access: { password: PASSWORD },
  },
  {
    name: 'literal',
    what: 'a literal password',
    container: { args: ['--requirepass', PASSWORD] },
    access: { password: PASSWORD },
  },
  {
    name: 'bitnami',
    what: 'a Bitnami image, configured by its environment',
    container: {
      image: 'bitnami/redis:7.0',
      env: [{ name: 'REDIS_PASSWORD', valueFrom: fromSecret }],
      // As its chart does: the image's user owns the folders.
      securityContext: { runAsUser: 1001 },
    },
    access: { password: PASSWORD },
  },
];
const SIZE = 2;

function statefulSet({ name, container, volumes }: Shape): KubernetesObject {
  const labels = { app: name };
  const redis = { name: 'redis', image: REDIS.image, imagePullPolicy: 'IfNotPresent' };
  return Object.assign(
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name } },
    {
      spec: {
        serviceName: name,
        replicas: SIZE,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 5,
            containers: [{ ...redis, ...container }],
            ...(volumes === undefined ? {} : { volumes }),
          },
        },
      },
    },
  );
}

async function failsOver(t: Test, group: Group): Promise<void> {
  const master = await group.oneMaster(SIZE);
  const { access } = group;
  const set = await redisCommand(master.ip, access, 'SET', 'shape', group.name);
  t.equal(set, 'OK', 'the master takes writes');
  const [replica] = (await group.pods()).filter(({ uid }) => uid !== master.uid);
  const read = async (): Promise<boolean> =>
    (await redisCommand(replica?.ip ?? '', access, 'GET', 'shape')) === group.name;
  await waitFor('the replica has it', read, { timeoutMs: 10_000, everyMs: 50 });
  process.kill(redisPid(master.uid), 'SIGKILL');
  const isMaster = async (): Promise<boolean> =>
    (await redisCommand(replica?.ip ?? '', access, 'SET', 'after', 'yes')) === 'OK';
  await waitFor('the replica takes writes', isMaster, { timeoutMs: 10_000, everyMs: 20 });
  const next = await group.oneMaster(SIZE);
  t.equal(next.name, replica?.name, 'the replica is master');
  t.equal(await redisCommand(next.ip, access, 'GET', 'shape'), group.name, 'with the data');
}

t.setTimeout(600_000);
const cluster = openCluster();
const namespace = await createNamespace(t, cluster, 'shapes');
await cluster.core.createNamespacedSecret({
  namespace,
  body: { metadata: { name: 'redis' }, stringData: { password: PASSWORD } },
});
await cluster.core.createNamespacedConfigMap({
  namespace,
  body: {
    metadata: { name: 'redis' },
    data: { 'redis.conf': 'protected-mode no\nsave ""\nmaxmemory-policy noeviction\n' },
  },
});
const list = { apiVersion: 'v1', kind: 'List', items: SHAPES.map(statefulSet) };
await cluster.kubectl(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(list));
for (const shape of SHAPES) {
  await t.test(shape.what, async (t) => {
    await failsOver(t, new Group(cluster, namespace, shape.name, shape.access));
  });
}
