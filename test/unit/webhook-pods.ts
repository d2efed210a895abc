// Pods of every shape, for the properties of the webhook and of the command line.

import * as fc from 'fast-check';
import type { Container, Pod } from '../../webhook/core/pod.ts';
import { TOKEN_VOLUME } from '../../webhook/core/service-account.ts';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const word = fc.constantFrom(
  'redis-server',
  '/usr/bin/valkey-server',
  '--port',
  '6380',
  '--requirepass',
  '$(PASS)',
  'literal',
  '/etc/redis/redis.conf',
  '--save',
  '',
  'sh',
  '-c',
  'exec redis-server --port 6380',
  'if true; then redis-server; fi',
  'exec redis-server --port 6380 \\\n',
  "redis-server --save ''\n\n",
  'tini',
  '--',
  '--replicaof',
  '127.0.0.1',
  '1',
  '--tls-port',
  '--tls-cert-file',
  '--bind',
  '--include',
  `${TOKEN_PATH}/ca.crt`,
);
/** As a manifest may have it: present and empty. */
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(value, { nil: null, freq: 9 });
const key = fc.constantFrom('app', 'a/b', 'c~d', 'redis-orchestrator.io/group', '__proto__x');
const annotationKey = fc.oneof(
  key,
  fc.constantFrom('redis-orchestrator.io/status', 'kubectl.kubernetes.io/default-container'),
);
const text = fc.constantFrom('redis', 'x~1', '"quoted"', '');
const map = fc.dictionary(key, text, { noNullPrototype: true });
const annotations = fc.dictionary(annotationKey, text, { noNullPrototype: true });
const volumeName = fc.constantFrom(
  'data',
  'config',
  'kube-api-access-ab12c',
  'kube-api-access-xy34z',
  'redis-orchestrator-token',
);
const mount = fc.oneof(
  fc.record({
    name: volumeName,
    mountPath: fc.constantFrom('/data', '/etc/redis', '/etc/redis/redis.conf', TOKEN_PATH),
  }),
  fc.constant({ name: 'kube-api-access-xy34z', mountPath: TOKEN_PATH, readOnly: true }),
);
const env = fc.oneof(
  fc.record({
    name: fc.constantFrom('PASS', 'REDIS_PASSWORD', 'RO_GROUP'),
    value: fc.oneof(word, fc.constantFrom('$(REDIS_PASSWORD)', 'x$(RO_GROUP)')),
  }),
  fc.constant({ name: 'PASS', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }),
  fc.record(
    {
      name: fc.constantFrom('REDIS_EXTRA_FLAGS', 'VALKEY_EXTRA_FLAGS', 'REDIS_ARGS'),
      value: orNull(
        fc.constantFrom('', ' ', '--maxmemory 1mb', '--port 6380 ', '$(PASS) --port $(PASS)'),
      ),
    },
    { requiredKeys: ['name'] },
  ),
);
const optional = { requiredKeys: ['name', 'image'] as ('name' | 'image')[] };
const container = fc.record(
  {
    name: fc.constantFrom('redis', 'web', 'metrics', 'cache'),
    image: fc.constantFrom(
      'redis:7',
      'bitnami/valkey:8',
      'redis/redis-stack',
      'corp:5000/x',
      'valkey/valkey',
    ),
    command: orNull(fc.array(word, { maxLength: 4 })),
    args: orNull(fc.array(word, { maxLength: 6 })),
    env: orNull(fc.array(env, { maxLength: 4 })),
    envFrom: fc.array(fc.constant({ secretRef: { name: 's' } }), { maxLength: 2 }),
    ports: fc.array(fc.record({ containerPort: fc.constantFrom(6379, 6380, 8080, 8081) }), {
      maxLength: 2,
    }),
    volumeMounts: orNull(fc.array(mount, { maxLength: 3 })),
    lifecycle: fc.constantFrom(
      {},
      null,
      { preStop: null },
      { preStop: { exec: {} } },
      { postStart: { exec: {} } },
      { postStart: { exec: { command: ['sh', '-c', 'redis-cli replicaof no one'] } } },
    ),
    resources: orNull(fc.constantFrom({}, { requests: { cpu: '100m' } }, { limits: { cpu: 1 } })),
  },
  optional,
) as fc.Arbitrary<Container>;
/** As the API server makes it. */
const AUTOMATIC_VOLUME = {
  name: 'kube-api-access-xy34z',
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [
            { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
          ],
        },
      },
    ],
    defaultMode: 420,
  },
};
const volume = fc.oneof(
  fc.constant({ name: 'data', emptyDir: {} }),
  fc.constant({ name: 'config', secret: { secretName: 's', defaultMode: 0o400 } }),
  fc.constant({
    name: 'config',
    secret: { secretName: 's', items: [{ key: 'k', path: 'redis.conf', mode: 0o400 }] },
  }),
  fc.constant({ name: 'config', projected: { defaultMode: 0o400, sources: null } }),
  fc.constant({ name: 'kube-api-access-ab12c', projected: { sources: [] } }),
  fc.constant(AUTOMATIC_VOLUME),
  fc.constant(TOKEN_VOLUME),
);
export const pod: fc.Arbitrary<Pod> = fc.record(
  {
    metadata: orNull(
      fc.record(
        { name: fc.constant('redis-0'), labels: orNull(map), annotations: orNull(annotations) },
        { requiredKeys: [] },
      ),
    ),
    spec: fc.record(
      {
        containers: fc.uniqueArray(container, {
          minLength: 1,
          maxLength: 3,
          selector: ({ name }) => name,
        }),
        initContainers: orNull(fc.array(container, { maxLength: 2 })),
        volumes: orNull(fc.uniqueArray(volume, { selector: ({ name }) => name })),
        serviceAccountName: fc.constantFrom('default', 'mine', '', null),
        serviceAccount: fc.constantFrom('default', 'mine', '', 'redis-orchestrator'),
        automountServiceAccountToken: orNull(fc.boolean()),
        hostNetwork: orNull(fc.boolean()),
        resources: orNull(
          fc.constantFrom(
            {},
            { requests: { cpu: '100m' } },
            { limits: { cpu: '1', memory: '1Mi' } },
          ),
        ),
        terminationGracePeriodSeconds: fc.constantFrom(0, 9, 30, 600, null),
      },
      { requiredKeys: ['containers'] },
    ),
  },
  { requiredKeys: ['spec'] },
) as fc.Arbitrary<Pod>;

/** Most of these are injected. */
const start = fc.constantFrom(
  {},
  { args: [] },
  { args: null },
  { args: ['redis-server'] },
  { args: ['--port', '6380'] },
  { command: ['redis-server'], args: null },
  { command: ['redis-server'] },
  { command: ['sh', '-c', 'exec redis-server --port 6380 \\\n'] },
  { command: ['sh', '-c'], args: ['exec redis-server --requirepass "$PASS"\n'] },
  { args: ['redis-server', '--replicaof', '127.0.0.1', '1'] },
  { image: 'valkey/valkey:8', env: [{ name: 'VALKEY_EXTRA_FLAGS', value: '--port 7000' }] },
  {
    image: 'valkey/valkey:8',
    command: ['docker-entrypoint.sh', 'valkey-server'],
    args: null,
    env: [{ name: 'VALKEY_EXTRA_FLAGS', value: '--port 7000' }],
  },
);
export const likelyPod: fc.Arbitrary<Pod> = fc.tuple(pod, start).map(([each, words]) => {
  const containers = (each.spec?.containers ?? []) as [Container];
  const [{ command: _command, args: _args, image, ...first }] = containers;
  const redis = {
    ...first,
    name: 'redis',
    image: image === 'corp:5000/x' ? 'redis' : image,
    ...words,
  };
  const beside = { name: 'metrics', image: 'exporter' };
  return { ...each, spec: { ...each.spec, containers: [redis, beside] } } as Pod;
});
