// An injection is taken back also where somebody changed the pod since then, or an older version made it;
// what is no injection of ours is left alone.

import { execFileSync } from 'node:child_process';
import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { Container, Pod } from '../../webhook/core/pod.ts';
import { uninject } from '../../webhook/core/uninject.ts';
import { CORE, NAMESPACE, patchedBy, redisPod } from './webhook-fixtures.ts';

const STATUS = 'redis-orchestrator.io/status';

function injected(pod: Pod): Pod {
  const decision = decide(pod, NAMESPACE, CORE);
  if (decision.kind !== 'inject') throw new Error(decision.kind);
  return patchedBy(pod, decision.plan);
}

function redisOf(pod: Pod): Container {
  const container = pod.spec?.containers?.find(({ name }) => name === 'redis');
  if (container === undefined) throw new Error('no redis');
  return container;
}

function restored(pod: Pod): { pod: Pod; warnings: readonly string[] } {
  const result = uninject(pod);
  if (result.kind !== 'restored') throw new Error(result.reason.code);
  return { pod: result.pod, warnings: result.warnings.map(({ code }) => code) };
}

void test('what others added after the injection stays', async (t) => {
  const pod = injected(redisPod());
  pod.spec?.initContainers?.unshift({ name: 'istio-proxy', image: 'istio/proxyv2' });
  pod.spec?.volumes?.push({ name: 'certs', emptyDir: {} });
  pod.metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, a: 'b' } };
  redisOf(pod).args?.push('--maxmemory', '1mb');
  const expected = redisPod(
    { args: ['redis-server', '--maxmemory', '1mb'] },
    { metadata: { name: 'redis-0', labels: { app: 'redis' }, annotations: { a: 'b' } } },
  );
  t.strictSame(restored(pod), {
    pod: {
      ...expected,
      spec: {
        ...expected.spec,
        initContainers: [{ name: 'istio-proxy', image: 'istio/proxyv2' }],
        volumes: [{ name: 'certs', emptyDir: {} }],
      },
    },
    warnings: [],
  });
});

void test('a fence that somebody changed is left and told', async (t) => {
  for (const container of [
    {},
    { command: ['sh', '-c', 'exec redis-server'] },
    { image: 'bitnami/redis' },
  ]) {
    const pod = injected(redisPod(container));
    const text = JSON.stringify(pod).replaceAll('--replicaof 127.0.0.1 1', '--replicaof no one');
    const changed = JSON.parse(text.replaceAll('"127.0.0.1","1"', '"other","1"')) as Pod;
    t.same(restored(changed).warnings, ['fence-changed']);
  }
});

void test('the status of an older version: what is known goes, and a warning says the rest', async (t) => {
  const pod = injected(redisPod());
  const annotations = pod.metadata?.annotations ?? {};
  const { before: _before, ...older } = JSON.parse(annotations[STATUS] ?? '') as { before: object };
  annotations[STATUS] = JSON.stringify(older);
  t.strictSame(restored(pod), { pod: redisPod(), warnings: ['status-too-old'] });
});

void test('on a live pod the older field of the account goes back as well', async (t) => {
  const account = { serviceAccountName: 'default', serviceAccount: 'default' };
  const pod = redisPod();
  Object.assign(pod.spec ?? {}, account);
  const live = injected(pod);
  Object.assign(live.spec ?? {}, { serviceAccount: 'redis-orchestrator' });
  t.strictSame(restored(live).pod, pod);
});

void test('a token that was the only mount comes back, though the API server stored no empty list', async (t) => {
  const name = 'kube-api-access-ab12c';
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
  const pod = redisPod({ volumeMounts: [{ name, mountPath, readOnly: true }] });
  Object.assign(pod.spec ?? {}, { volumes: [{ name, emptyDir: {} }] });
  const live = injected(pod);
  t.same(redisOf(live).volumeMounts, []);
  delete redisOf(live).volumeMounts;
  t.strictSame(restored(live).pod, pod);
});

void test('what is no injection of ours is left', async (t) => {
  const left = (pod: Pod): string => {
    const result = uninject(pod);
    return result.kind === 'left' ? result.reason.code : result.kind;
  };
  const agent = { name: 'redis-orchestrator', image: 'mine' };
  const byHand = redisPod();
  byHand.spec?.containers?.push(agent);
  t.equal(left(redisPod()), 'not-injected');
  t.equal(left(byHand), 'hand-written');
  for (const text of ['', '{', '[]', '{"container":1}', '{"container":"redis","bootFence":"x"}']) {
    t.equal(
      left({ ...byHand, metadata: { annotations: { [STATUS]: text } } }),
      'status-unreadable',
    );
  }
  const odd = injected(redisPod());
  const annotations = odd.metadata?.annotations ?? {};
  for (const before of [1, {}, { absent: [1] }, { absent: [], volumes: [['x']] }]) {
    const status = { ...(JSON.parse(annotations[STATUS] ?? '') as object), before };
    annotations[STATUS] = JSON.stringify(status);
    t.equal(left(odd), 'status-unreadable');
  }
});

void test('the fence is a word of its own behind a line continuation that ends the text', async (t) => {
  for (const text of ['exec redis-server --port 6380 \\\n', 'redis-server \\\n \\\n\n']) {
    const pod = injected(redisPod({ command: ['sh', '-c', text] }));
    const script = (redisOf(pod).command?.[2] ?? '').replace(
      /^(exec )?redis-server/,
      'printf "%s|"',
    );
    const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('|');
    t.same(words.slice(-6), ['--replicaof', '127.0.0.1', '1', '--replica-read-only', 'yes', '']);
    t.equal(restored(pod).pod.spec?.containers?.[0]?.command?.[2], text);
  }
});
