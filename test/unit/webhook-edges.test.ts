// What broke other injectors, each by its name: the project and the number of its issue. Those that need a
// server are shown elsewhere; the list at the end says where, and fails where such a test is no more.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { CoreConfig, Decision } from '../../webhook/core/plan.ts';
import { type Container, list, type Pod } from '../../webhook/core/pod.ts';
import { decisionText, review } from '../../webhook/review.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { CORE, NAMESPACE, patchedBy, redisPod } from './webhook-fixtures.ts';

function decided(pod: Pod, config: Partial<CoreConfig> = {}): Decision {
  return decide(pod, NAMESPACE, { ...CORE, ...config });
}

function injected(pod: Pod, config: Partial<CoreConfig> = {}): Pod {
  const decision = decided(pod, config);
  if (decision.kind !== 'inject') throw new Error(JSON.stringify(decision));
  return patchedBy(pod, decision.plan);
}

function agentOf(pod: Pod): Container {
  const all = [...list(pod.spec?.initContainers), ...list(pod.spec?.containers)];
  const agent = all.find(({ name }) => name === 'redis-orchestrator');
  if (agent === undefined) throw new Error('no agent');
  return agent;
}

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

void test('istio 25931: a second call changed the pod again', async (t) => {
  t.equal(decisionText(decided(injected(redisPod()))), 'skip:already-injected');
});

void test('istio 55691: a second call overwrote runAsUser', async (t) => {
  const pod = injected(redisPod());
  agentOf(pod).securityContext = { runAsUser: 4711 };
  t.equal(decisionText(decided(pod)), 'skip:already-injected');
});

void test('istio 44933: 1500 env entries took 15 s', async (t) => {
  const env = Array.from({ length: 1500 }, (_, index) => ({
    name: `VAR_${index}`,
    value: index === 0 ? 'x' : `$(VAR_${index - 1})`,
  }));
  const start = performance.now();
  injected(redisPod({ args: ['--requirepass', '$(VAR_1499)', '--port', '$(VAR_1499)'], env }));
  t.ok(performance.now() - start < 500, `${(performance.now() - start).toFixed(1)} ms`);
});

void test('the like of it: variables that name each other a thousand times', async (t) => {
  const env = Array.from({ length: 12 }, (_, index) => ({
    name: `V${index}`,
    value: index === 11 ? '1' : `$(V${index + 1})`.repeat(500),
  }));
  const start = performance.now();
  injected(redisPod({ args: ['--port', '$(V0)', '--requirepass', '$(V0)'], env }));
  t.ok(performance.now() - start < 500, `${(performance.now() - start).toFixed(1)} ms`);
});

void test('the like of it: names, paths and shell texts of a megabyte', async (t) => {
  const long = 'a'.repeat(10);
  for (const text of [
    '-',
    '/',
    ' ',
    '(',
    '"',
    "'",
    '$(',
    '--port ',
    'redis-server ',
    '\\\n',
    ';',
    'A=$A;',
    'read x ',
    '$(a ',
    '$(A) ',
  ]) {
    const huge = long + text.repeat(1_000_000 / text.length) + long;
    const before = process.cpuUsage();
    decided(redisPod({ command: ['sh', '-c', `exec redis-server ${huge}`] }));
    decided(redisPod({ command: ['sh', '-c', `${huge}\nexec redis-server --requirepass "$A"`] }));
    const env = [{ name: 'VALKEY_EXTRA_FLAGS', value: huge }];
    decided(redisPod({ image: 'valkey/valkey', args: ['--bind', huge], env }));
    decided(redisPod({ args: [huge, '--port', huge, '--requirepass', huge] }));
    decided(
      redisPod({ volumeMounts: [{ name: 'data', mountPath: huge }], args: ['/x/redis.conf'] }),
    );
    decided(redisPod({}, { metadata: { annotations: { 'redis-orchestrator.io/group': huge } } }));
    // Of this process alone: beside other tests the clock tells of them, too.
    const tookMs = process.cpuUsage(before).user / 1000;
    t.ok(tookMs < 2000, `${JSON.stringify(text)}: ${tookMs.toFixed(0)} ms`);
  }
});

void test('istio 8636: a pod without name and namespace', async (t) => {
  const pod = redisPod({}, { metadata: { generateName: 'redis-', labels: { app: 'redis' } } });
  const request = {
    uid: 'u',
    kind: { kind: 'Pod' },
    namespace: 'shop',
    operation: 'CREATE',
    object: pod,
  };
  const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
  const result = review(body, { core: CORE, namespaceFacts: (name) => ({ ...NAMESPACE, name }) });
  t.ok(result.ok && result.answer.response.patch !== undefined);
});

void test('istio 16126, linkerd 2750: a LimitRange refuses a container without limits', async (t) => {
  const { resources } = agentOf(injected(redisPod()));
  for (const part of ['requests', 'limits']) t.match(resources?.[part], { cpu: /./, memory: /./ });
});

void test('istio 51883: a pod of a Job never ended beside its sidecar', async (t) => {
  const ownerReferences = [{ kind: 'Job', name: 'load', uid: 'u', controller: true }];
  const pod = redisPod({}, { metadata: { labels: { app: 'redis' }, ownerReferences } });
  t.equal(decisionText(decided(pod)), 'skip:job-pod');
  // Where it is wanted all the same it is a native one, which ends with the pod.
  t.equal(agentOf(injected(redisPod())).restartPolicy, 'Always');
});

void test('linkerd 3739: a typo was ignored without a word', async (t) => {
  const label = redisPod(
    {},
    { metadata: { labels: { 'redis-orchestrator.io/inject': 'enable' } } },
  );
  const annotations = { 'redis-orchestrator.io/prot': '6380' };
  const annotation = redisPod({}, { metadata: { annotations } });
  for (const [pod, code] of [
    [label, 'label-misspelt'],
    [annotation, 'annotation-unknown'],
  ] as const) {
    const decision = decided(pod);
    const warnings = decision.kind === 'inject' ? decision.warnings.map((why) => why.code) : [];
    t.same(warnings, [code]);
  }
});

void test('linkerd 13480: quotes in values broke a text template', async (t) => {
  const odd = '"\'{{ .Values }}\\\n\u2028$(x)';
  const pod = injected(
    redisPod({ env: [{ name: 'PASS', value: odd }], args: ['--requirepass', '$(PASS)'] }),
  );
  t.same(agentOf(pod).env?.find(({ name }) => name === 'REDIS_PASSWORD')?.value, odd);
});

void test('linkerd 1756: labels and annotations were replaced', async (t) => {
  const labels = { app: 'redis', 'a/b': 'c', 'redis-orchestrator.io/group': 'mine' };
  const annotations = { 'x~y/z': '1' };
  const { metadata } = injected(redisPod({}, { metadata: { labels, annotations } }));
  t.match(metadata, { labels, annotations });
});

void test('linkerd 11254: a volume that was there already was added twice', async (t) => {
  const once = injected(redisPod());
  const volumes = structuredClone(once.spec?.volumes ?? []);
  const again = injected(redisPod({}, { spec: { ...redisPod().spec, volumes } }));
  t.same(again.spec?.volumes, volumes);
});

void test('absent lists: no volumeMounts, no volumes, no labels, no annotations', async (t) => {
  const pod = injected({ spec: { containers: [{ name: 'redis', image: 'redis:7' }] } });
  t.ok(agentOf(pod).volumeMounts?.some(({ mountPath }) => mountPath === TOKEN_PATH));
});

void test("eks-pod-identity 315: the person's volume of our name was mounted", async (t) => {
  const volumes = [{ name: 'redis-orchestrator-token', emptyDir: {} }];
  const pod = redisPod({}, { spec: { ...redisPod().spec, volumes } });
  t.equal(decisionText(decided(pod)), 'deny:name-taken');
});

void test('linkerd 5549, vault-k8s 601: automountServiceAccountToken false', async (t) => {
  const spec = { ...redisPod().spec, automountServiceAccountToken: false };
  const pod = injected(redisPod({}, { spec }));
  t.ok(
    agentOf(pod).volumeMounts?.some(({ mountPath }) => mountPath === TOKEN_PATH),
    'its own token',
  );
  t.equal(pod.spec?.automountServiceAccountToken, false, 'and nobody else gets one');
});

void test('dapr 5916, vault-helm 416: a restricted namespace refused the sidecar', async (t) => {
  t.match(agentOf(injected(redisPod())).securityContext, {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
  });
});

void test('self-injection: the injector waited for itself', async (t) => {
  const own = { ...NAMESPACE, name: CORE.ownNamespace };
  t.equal(decisionText(decide(redisPod(), own, CORE)), 'skip:own-pod');
});

void test('dapr 9379: a skip counted as a failure', async (t) => {
  const request = {
    uid: 'u',
    kind: { kind: 'Pod' },
    namespace: 'shop',
    object: redisPod({ image: 'nginx' }),
  };
  const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
  const result = review(body, { core: CORE, namespaceFacts: () => NAMESPACE });
  t.match(result, { ok: true, answer: { response: { allowed: true } } });
  t.match(result.ok && result.outcome?.decision.kind, 'skip');
});

void test("vault-k8s 445: the pod's own settings were overridden", async (t) => {
  const spec = {
    ...redisPod().spec,
    shareProcessNamespace: true,
    securityContext: { runAsUser: 999, fsGroup: 999 },
    terminationGracePeriodSeconds: 120,
    nodeSelector: { disk: 'ssd' },
    hostNetwork: true,
    dnsPolicy: 'None',
  };
  t.match(injected(redisPod({}, { spec })).spec, { ...spec, containers: [{ name: 'redis' }] });
});

void test('linkerd 2882: a Windows pod', async (t) => {
  const spec = { ...redisPod().spec, os: { name: 'windows' } };
  t.equal(decisionText(decided(redisPod({}, { spec }))), 'skip:windows-pod');
});

void test('generic-sidecar-injector 22: kubectl exec landed in another container', async (t) => {
  const containers = [
    { name: 'redis', image: 'redis:7' },
    { name: 'metrics', image: 'oliver006/redis_exporter' },
  ];
  for (const nativeSidecar of [true, false]) {
    const pod = injected({ spec: { containers } }, { nativeSidecar });
    t.same(
      pod.spec?.containers?.slice(0, 2).map(({ name }) => name),
      ['redis', 'metrics'],
    );
    t.equal(pod.metadata?.annotations?.['kubectl.kubernetes.io/default-container'], 'redis');
  }
});

const ELSEWHERE = [
  ['istio 21862, 43932: overlapping webhooks', 'unit/webhook-manifests', 'no pod is sent twice'],
  [
    'linkerd 14228, vault-k8s 139: nil dereference',
    'unit/webhook-review',
    'no JSON makes it throw',
  ],
  [
    'linkerd 13702, 3885: a restart leaves pods bare',
    'kube/webhook-down',
    'no pod starts uninjected',
  ],
  [
    'vault-helm 580, 704: replicas fight over certificates',
    'kube/webhook-injection',
    'agree on one authority',
  ],
  [
    'pepr 3019: certificate expired after a year',
    'kube/webhook-rotation',
    'no pod is refused while',
  ],
  [
    'kubernetes 127335: a terminating pod is asked',
    'unit/webhook-server',
    'while it drains it is not ready',
  ],
  ['kubewebhook: an unbounded body', 'unit/webhook-server', 'odd bodies get a 4xx'],
  [
    'istio 16126, linkerd 2750: the server itself, with a quota and a LimitRange',
    'kube/webhook-golden-pods',
    'a quota and a LimitRange',
  ],
  [
    'dapr 5916, vault-helm 416: the server itself, restricted',
    'kube/webhook-golden-pods',
    'in a namespace with Pod Security',
  ],
] as const;

for (const [edge, file, words] of ELSEWHERE) {
  void test(`${edge}: shown by test/${file}.test.ts`, async (t) => {
    const source = readFileSync(join(REPOSITORY, 'test', `${file}.test.ts`), 'utf8');
    const names = [...source.matchAll(/\btest\(\s*(['"`])(.+?)\1/g)].map((match) => match[2] ?? '');
    t.equal(names.filter((name) => name.includes(words)).length, 1, `a test named … ${words} …`);
  });
}

/** What broke others, by number of the issue where there is one: the list that the design was made with. */
const EDGES = [
  '25931 55691 21862 43932 44933 8636 16126 2750 51883 13702 3885 3739 13480 1756 14228 139 11254',
  '315 5549 601 580 704 3019 5916 416 self-injection 9379 127335 445 2882 kubewebhook 22 absent',
].flatMap((line) => line.split(' '));

void test('no edge of the list is without a test that says what it was', async (t) => {
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const own = [...source.matchAll(/^void test\((['"])(.+?)\1/gm)].map((match) => match[2] ?? '');
  const titles = [...own, ...ELSEWHERE.map(([edge]) => edge)];
  for (const edge of EDGES) {
    t.ok(
      titles.some((title) => new RegExp(`(^|\\D)${edge}(\\D|$)`).test(title)),
      edge,
    );
  }
});
