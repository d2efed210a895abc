// For pods of every shape: the patch applies in an independent library, a second call does nothing,
// and nothing of the person's is lost.

import * as fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import type { Container, Pod } from '../../webhook/core/pod.ts';
import { reasonText } from '../../webhook/core/reasons.ts';
import { CORE, NAMESPACE } from './webhook-fixtures.ts';

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
  'tini',
  '--',
  '--replicaof',
  '127.0.0.1',
  '1',
  '--tls-port',
  '--tls-cert-file',
);
const key = fc.constantFrom('app', 'a/b', 'c~d', 'redis-orchestrator.io/group', '__proto__x');
const map = fc.dictionary(key, fc.constantFrom('redis', 'x~1', '"quoted"', ''), {
  noNullPrototype: true,
});
const volumeName = fc.constantFrom(
  'data',
  'config',
  'kube-api-access-ab12c',
  'redis-orchestrator-token',
);
const mount = fc.record({
  name: volumeName,
  mountPath: fc.constantFrom('/data', '/etc/redis', '/etc/redis/redis.conf', TOKEN_PATH),
});
const env = fc.oneof(
  fc.record({ name: fc.constantFrom('PASS', 'REDIS_PASSWORD', 'RO_GROUP'), value: word }),
  fc.constant({ name: 'PASS', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }),
  fc.constant({ name: 'REDIS_EXTRA_FLAGS' }),
);
const optional = { requiredKeys: ['name', 'image'] as ('name' | 'image')[] };
const container: fc.Arbitrary<Container> = fc.record(
  {
    name: fc.constantFrom('redis', 'web', 'metrics', 'cache'),
    image: fc.constantFrom(
      'redis:7',
      'bitnami/valkey:8',
      'redis/redis-stack',
      'corp:5000/x',
      'valkey/valkey',
    ),
    command: fc.array(word, { maxLength: 4 }),
    args: fc.array(word, { maxLength: 6 }),
    env: fc.array(env, { maxLength: 4 }),
    envFrom: fc.array(fc.constant({ secretRef: { name: 's' } }), { maxLength: 2 }),
    ports: fc.array(fc.record({ containerPort: fc.constantFrom(6379, 6380, 8080, 8081) }), {
      maxLength: 2,
    }),
    volumeMounts: fc.array(mount, { maxLength: 3 }),
    lifecycle: fc.constantFrom({}, { preStop: { exec: {} } }, { postStart: { exec: {} } }),
  },
  optional,
);
const volume = fc.oneof(
  fc.constant({ name: 'data', emptyDir: {} }),
  fc.constant({ name: 'config', secret: { secretName: 's', defaultMode: 0o400 } }),
  fc.constant({ name: 'kube-api-access-ab12c', projected: { sources: [] } }),
);
const pod: fc.Arbitrary<Pod> = fc.record(
  {
    metadata: fc.record(
      { name: fc.constant('redis-0'), labels: map, annotations: map },
      { requiredKeys: [] },
    ),
    spec: fc.record(
      {
        containers: fc.uniqueArray(container, {
          minLength: 1,
          maxLength: 3,
          selector: ({ name }) => name,
        }),
        initContainers: fc.array(container, { maxLength: 2 }),
        volumes: fc.uniqueArray(volume, { selector: ({ name }) => name }),
        serviceAccountName: fc.constantFrom('default', 'mine'),
        automountServiceAccountToken: fc.boolean(),
        terminationGracePeriodSeconds: fc.constantFrom(0, 30, 600),
      },
      { requiredKeys: ['containers'] },
    ),
  },
  { requiredKeys: ['spec'] },
) as fc.Arbitrary<Pod>;

/** What of the person's pod must be found again, whatever is added. */
function kept(original: Container, patched: Container | undefined): boolean {
  if (patched === undefined) return false;
  const isToken = (path: string): boolean => path === TOKEN_PATH;
  const words = [...(original.args ?? [])];
  const start = (patched.args ?? []).slice(0, words.length);
  const isShell = JSON.stringify(start) !== JSON.stringify(words);
  const mounts = (original.volumeMounts ?? []).filter(({ mountPath }) => !isToken(mountPath));
  const now = JSON.stringify(
    (patched.volumeMounts ?? []).filter(({ mountPath }) => !isToken(mountPath)),
  );
  return (
    patched.name === original.name &&
    patched.image === original.image &&
    (!isShell || start.every((each, index) => each.startsWith((words[index] ?? '').trimEnd()))) &&
    JSON.stringify(mounts) === now &&
    (original.env ?? []).every((entry) => patched.env?.some(({ name }) => name === entry.name))
  );
}

void test('patches apply, are idempotent and lose nothing', async (t) => {
  let injected = 0;
  fc.assert(
    fc.property(pod, fc.boolean(), (original, nativeSidecar) => {
      const config = { ...CORE, nativeSidecar };
      const decision = decide(original, NAMESPACE, config);
      if (decision.kind !== 'inject') return;
      injected++;
      const patch = toPatch(original, decision.plan);
      const patched = structuredClone(original);
      const errors = applyPatch(
        patched,
        structuredClone(patch) as Parameters<typeof applyPatch>[1],
      );
      if (errors.some((error) => error !== null)) throw new Error(String(errors.find(Boolean)));
      const again = decide(patched, NAMESPACE, config);
      if (again.kind !== 'skip' || again.reason.code !== 'already-injected') {
        throw new Error(`a second call: ${again.kind}`);
      }
      for (const [index, each] of (original.spec?.containers ?? []).entries()) {
        if (!kept(each, patched.spec?.containers?.[index])) throw new Error(`${each.name} changed`);
      }
      for (const part of ['labels', 'annotations'] as const) {
        for (const [name, value] of Object.entries(original.metadata?.[part] ?? {})) {
          if (patched.metadata?.[part]?.[name] !== value)
            throw new Error(`${part} ${name} changed`);
        }
      }
      const grace = original.spec?.terminationGracePeriodSeconds ?? 0;
      if ((patched.spec?.terminationGracePeriodSeconds ?? grace) < grace) throw new Error('grace');
      if (decision.warnings.some((why) => reasonText(why).length > 120)) throw new Error('warning');
    }),
    { numRuns: 10_000, seed: 20_261_124 },
  );
  t.comment(`${injected} pods were injected`);
  t.ok(injected > 300, `${injected} pods were injected`);
});
