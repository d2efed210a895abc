// Every code of the table: a pod that provokes it, and then the warning, the audit annotation, the metric, the
// Event, the line of `explain` and the paragraphs of docs/reasons.md. A code without a pod is a type error.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { t as file, test } from 'tap';
import { Agent, request } from 'undici';
import { run } from '../../cli/run.ts';
import { createAuthority, issueLeaf } from '../../webhook/certs/authority.ts';
import type { NamespaceFacts } from '../../webhook/core/plan.ts';
import type { Container, Pod } from '../../webhook/core/pod.ts';
import { REASONS } from '../../webhook/core/reason-table.ts';
import type { ReasonCode } from '../../webhook/core/reasons.ts';
import { WebhookMetrics } from '../../webhook/metrics.ts';
import { createOutcomeHandler } from '../../webhook/outcomes.ts';
import { WebhookServer } from '../../webhook/server.ts';
import { freePorts } from '../harness/free-ports.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

const PREFIX = 'redis-orchestrator.io';

type Provoked = {
  readonly pod: Pod;
  readonly namespace?: Partial<NamespaceFacts>;
  /** What a file does not tell. */
  readonly isHiddenOffline?: true;
};

function withArgs(...args: string[]): Provoked {
  return { pod: redisPod({ args }) };
}

function annotated(annotations: Record<string, string>, container: Partial<Container> = {}) {
  return { pod: redisPod(container, { metadata: { annotations } }) };
}

function specified(spec: object, container: Partial<Container> = {}): Provoked {
  return { pod: redisPod(container, { spec: { ...redisPod(container).spec, ...spec } }) };
}

function beside(...containers: Container[]): Provoked {
  return specified({ containers: [{ name: 'redis', image: 'redis:7' }, ...containers] });
}

function labelled(value: string): Pod {
  return redisPod({}, { metadata: { labels: { [`${PREFIX}/inject`]: value } } });
}

function ownedBy(apiVersion: string, kind: string): Provoked {
  const ownerReferences = [{ apiVersion, kind, name: 'x', uid: 'u', controller: true }];
  return { pod: redisPod({}, { metadata: { ownerReferences } }) };
}

const AGENT = { name: 'redis-orchestrator', image: 'agent' };
const STATUS = { [`${PREFIX}/status`]: '{}' };
const TLS = ['--port', '0', '--tls-port', '6379', '--tls-cert-file', '/tls/a'];

/** Codes that a review gives. */
type ReviewCode = Exclude<
  ReasonCode,
  {
    [Code in ReasonCode]: (typeof REASONS)[Code]['outcome'] extends
      | 'running'
      | 'offline'
      | 'uninject'
      ? Code
      : never;
  }[ReasonCode]
>;

const PROVOKED: Readonly<Record<ReviewCode, Provoked>> = {
  'already-injected': {
    pod: {
      metadata: { annotations: STATUS },
      spec: { containers: [{ name: 'redis', image: 'redis:7' }, AGENT] },
    },
  },
  'opted-out': { pod: labelled('disabled') },
  'not-redis': { pod: { metadata: { name: 'web' }, spec: { containers: [{ name: 'web' }] } } },
  'namespace-excluded': { pod: redisPod(), namespace: { name: 'kube-system' } },
  'own-pod': { pod: redisPod(), namespace: { name: CORE.ownNamespace } },
  'mirror-pod': annotated({ 'kubernetes.io/config.mirror': 'x' }),
  'job-pod': ownedBy('batch/v1', 'Job'),
  'hand-written': beside(AGENT),
  'windows-pod': specified({ os: { name: 'windows' } }),
  'no-redis-container': { pod: redisPod({ image: 'corp/cache' }) },
  'several-redis-containers': beside({ name: 'second', image: 'valkey/valkey' }),
  'app-pod': beside({ name: 'web', image: 'corp/web' }),
  'redis-too-old': { pod: redisPod({ image: 'redis:5.0.14' }) },
  'owned-replication': withArgs('--replicaof', 'elsewhere', '6379'),
  'owned-sentinel': beside({ name: 'sentinel', image: 'redis:7', command: ['redis-sentinel'] }),
  'owned-cluster': withArgs('--cluster-enabled', 'yes'),
  'owned-operator': ownedBy('databases.example.com/v1', 'RedisFailover'),
  'no-port': withArgs('--port', '0', '--unixsocket', '/run/redis.sock'),
  'group-invalid': annotated({ [`${PREFIX}/group`]: 'Cache_A' }),
  'container-unknown': annotated({ [`${PREFIX}/container`]: 'cache' }),
  'annotation-invalid': annotated({ [`${PREFIX}/port`]: 'http' }),
  'name-taken': specified({ volumes: [{ name: 'redis-orchestrator-token', emptyDir: {} }] }),
  'namespace-not-ready': {
    pod: redisPod(),
    namespace: { isReady: false },
    isHiddenOffline: true,
  },
  'namespace-failed': {
    pod: redisPod(),
    namespace: { isReady: false, problem: '403: exceeded quota' },
    isHiddenOffline: true,
  },
  'label-misspelt': { pod: labelled('enable') },
  'label-unknown': {
    pod: redisPod({}, { metadata: { labels: { [`${PREFIX}/injct`]: 'enabled' } } }),
  },
  'annotation-unknown': annotated({ [`${PREFIX}/prot`]: '6380' }),
  'kill-unavailable': annotated({ [`${PREFIX}/kill-frozen`]: 'true' }),
  'boot-fence-absent': { pod: redisPod({ command: ['sh', '-c', 'if x; then redis-server; fi'] }) },
  'boot-fence-hidden': {
    pod: redisPod({ image: 'bitnami/redis:7.0', envFrom: [{ secretRef: { name: 's' } }] }),
  },
  'flags-hidden': {
    pod: redisPod({
      image: 'valkey/valkey:8',
      env: [{ name: 'VALKEY_EXTRA_FLAGS', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
    }),
  },
  'literal-password': withArgs('--requirepass', 'hunter2'),
  'password-unknown': withArgs('--requirepass', '$(NOWHERE)'),
  'password-opaque': {
    pod: redisPod({ command: ['sh', '-c', 'exec redis-server --requirepass "$(printenv PW)"'] }),
  },
  'config-file-hidden': withArgs('/etc/redis.conf'),
  'include-unread': {
    pod: redisPod({
      args: ['/more/a.conf', '--include', '/more/b.conf'],
      volumeMounts: [{ name: 'more', mountPath: '/more' }],
    }),
  },
  'port-guessed': {
    pod: redisPod({ args: ['/etc/redis.conf'], ports: [{ containerPort: 7000 }] }),
  },
  'port-hidden': {
    pod: redisPod({
      args: ['--port', '$(PORT)'],
      env: [{ name: 'PORT', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }],
    }),
  },
  'port-differs': {
    pod: redisPod({ args: ['--port', '6380'], ports: [{ containerPort: 6379 }] }),
  },
  'prestop-kept': { pod: redisPod({ lifecycle: { preStop: { exec: { command: ['true'] } } } }) },
  'qos-lowered': {
    pod: redisPod({
      resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m' } },
    }),
  },
  'resources-shared': specified({ resources: { requests: { cpu: '1m', memory: '1Mi' } } }),
  'host-network': specified({ hostNetwork: true }),
  'token-shared': specified({ automountServiceAccountToken: true }),
  'token-removed': {
    pod: {
      metadata: { labels: { [`${PREFIX}/inject`]: 'enabled' } },
      ...(({ spec }) => ({ spec: spec ?? {} }))(beside({ name: 'web', image: 'corp/web' }).pod),
    },
  },
  'bind-loopback': withArgs('--bind', '127.0.0.1'),
  'bind-unknown': withArgs('--bind', '$(NOWHERE)'),
  'acl-without-user': withArgs('--aclfile', '/etc/users.acl'),
  'tls-files-hidden': withArgs(...TLS),
  'tls-option-unknown': withArgs('--port', '0', '--tls-port', '6379', '--tls-ca-cert-dir', '/tls'),
};

const facts: { now: Partial<NamespaceFacts> } = { now: {} };
const told: string[] = [];
const log = { debug() {}, info() {}, warn() {}, error() {} };
const HOUR_MS = 3_600_000;
const authority = await createAuthority(Date.now(), HOUR_MS);
const leaf = await issueLeaf(authority, ['127.0.0.1'], Date.now(), HOUR_MS);
const metrics = new WebhookMetrics();
const server = new WebhookServer({
  certificate: { ...leaf, notAfterMs: Date.now() + HOUR_MS },
  context: () => ({ core: CORE, namespaceFacts: () => ({ ...NAMESPACE, ...facts.now }) }),
  onOutcome: createOutcomeHandler(
    log,
    { ask: () => {}, bind: () => {} },
    { tell: (_ns, _pod, reasons) => told.push(...reasons.map(({ code }) => code)) },
  ),
  isReady: () => undefined,
  metrics,
});
const [httpsPort = 0, healthPort = 0] = await freePorts(2);
await server.listen('127.0.0.1', httpsPort, healthPort);
const dispatcher = new Agent({ connect: { ca: authority.certPem } });
file.teardown(async () => {
  await dispatcher.close();
  await server.drain(0);
});

type Response = {
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly auditAnnotations: { readonly decision: string; readonly reasons?: string };
  readonly status?: { readonly message: string };
};

async function reviewed({ pod, namespace = {} }: Provoked): Promise<Response> {
  facts.now = namespace;
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u', kind, namespace: 'shop', operation: 'CREATE', object: pod },
  });
  const headers = { 'content-type': 'application/json' };
  const url = `https://127.0.0.1:${httpsPort}/mutate`;
  const answer = await request(url, { method: 'POST', headers, body, dispatcher });
  return ((await answer.body.json()) as { response: Response }).response;
}

/** What nobody is told is the reason of a review; all else is a warning as well. */
async function counted(code: string, isSilent: boolean): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  const series = isSilent
    ? `reviews_total\\{outcome="skipped",reason="${code}"\\}`
    : `warnings_total\\{code="${code}"\\}`;
  const line = new RegExp(`^redis_orchestrator_webhook_${series} (\\d+)$`, 'm').exec(text);
  if (line === null) throw new Error(`${series} is not there from the start`);
  return Number(line[1]);
}

/** The beginning of a sentence, as far as nothing is filled in. */
function sentence(code: ReasonCode): RegExp {
  const pattern = REASONS[code].text
    .split(/\{\w+\}/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.+');
  return new RegExp(pattern);
}

async function explained({ pod, namespace }: Provoked): Promise<string> {
  const { name: owner = '', kind = '', apiVersion = '' } = pod.metadata?.ownerReferences?.[0] ?? {};
  const { ownerReferences: _owners, ...metadata } = pod.metadata ?? {};
  const template = { metadata, spec: pod.spec };
  const isJob = kind === 'Job';
  const text = JSON.stringify(
    isJob
      ? { apiVersion, kind, metadata: { name: owner }, spec: { template } }
      : { apiVersion: 'v1', kind: 'Pod', ...pod },
  );
  const flags = namespace?.name === undefined ? [] : ['-n', namespace.name];
  const { stdout } = await run(['explain', '-f', 'a', ...flags], {}, async () => Buffer.from(text));
  return stdout;
}

for (const [code, provoked] of Object.entries(PROVOKED) as [ReviewCode, Provoked][]) {
  void test(`${code}: warning or message, audit annotation, metric, Event, explain`, async (t) => {
    const { outcome } = REASONS[code];
    const isSilent = outcome === 'silent';
    const before = await counted(code, isSilent);
    told.length = 0;
    const { allowed, warnings = [], auditAnnotations, status } = await reviewed(provoked);
    const codes = auditAnnotations.reasons?.split(',') ?? [];
    t.ok(codes.includes(code), `audit: ${auditAnnotations.reasons}`);
    const expected = { deny: `deny:${code}`, weaker: 'inject' }[outcome as string];
    t.equal(auditAnnotations.decision, expected ?? `skip:${code}`);
    t.equal(await counted(code, isSilent), before + 1, 'counted by its code');
    t.equal(allowed, outcome !== 'deny');
    if (outcome === 'silent') t.same([warnings, told], [[], []], 'nobody is told');
    else {
      const texts = outcome === 'deny' ? [status?.message ?? ''] : warnings;
      t.ok(
        texts.some((text) => sentence(code).test(text)),
        `told: ${texts.join('; ')}`,
      );
      t.ok(told.includes(code), 'an Event for the owner');
    }
    if (provoked.isHiddenOffline === true) return;
    const line = await explained(provoked);
    t.match(line, `[${code}]`);
    t.match(line, sentence(code));
  });
}

void test('what looks like Redis and is refused where the pod itself asks, is refused for each such code', async (t) => {
  for (const [code, { outcome }] of Object.entries(REASONS)) {
    if (outcome !== 'skip-or-deny' || code === 'app-pod') continue;
    const { pod, ...rest } = PROVOKED[code as ReviewCode];
    const labels = { ...pod.metadata?.labels, [`${PREFIX}/inject`]: 'enabled' };
    const asking = { ...pod, metadata: { ...pod.metadata, labels } };
    const { auditAnnotations } = await reviewed({ ...rest, pod: asking });
    t.equal(auditAnnotations.decision, `deny:${code}`);
  }
});

void test('codes of the command line alone: explain and uninject say them', async (t) => {
  const call = async (command: string, text: string): Promise<string> => {
    const { stdout, stderr } = await run([command, '-f', 'a'], {}, async () => Buffer.from(text));
    return `${stdout}${stderr}`;
  };
  const json = (pod: object): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod });
  const namespace = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default' },
  });
  const { stdout } = await run(['inject', '-f', 'a'], {}, async () =>
    Buffer.from(json(redisPod())),
  );
  const older = stdout.replace(/,\\"before\\":\{.*?\}\}/, '}');
  const damaged = json({
    metadata: { annotations: { [`${PREFIX}/status`]: '{' } },
    spec: { containers: [AGENT] },
  });
  const said: Partial<Record<ReasonCode, string>> = {
    'namespace-unlabelled': await call('explain', `${namespace}\n---\n${json(redisPod())}`),
    'not-injected': await call('uninject', json(redisPod())),
    'status-unreadable': await call('uninject', damaged),
    'status-too-old': await call('uninject', older),
    'fence-changed': await call('uninject', stdout.replace('127.0.0.1', '10.0.0.1')),
  };
  for (const [code, { outcome }] of Object.entries(REASONS) as [
    ReasonCode,
    { outcome: string },
  ][]) {
    if (outcome !== 'offline' && outcome !== 'uninject') continue;
    t.match(said[code], `[${code}]`, code);
    t.match(said[code], sentence(code), code);
  }
});

void test('docs/reasons.md tells of each code what it means, how to see it and what to do', async (t) => {
  const page = readFileSync(join(REPOSITORY, 'docs', 'reasons.md'), 'utf8');
  const sections = new Map(
    page
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
  );
  t.same([...sections.keys()].toSorted(), Object.keys(REASONS).toSorted());
  for (const [code, section] of sections) {
    // What scripts/docs.mjs writes stands between marks; the rest is for people.
    const own = section.replace(/<!-- generated[^]*<!-- \/generated -->/, '');
    for (const part of ['What it means', 'How to see it', 'What to do']) {
      const found = new RegExp(`^\\*\\*${part}\\.\\*\\*\\s+(.+)`, 'm').exec(own);
      t.ok((found?.[1]?.length ?? 0) > 7, `${code}: ${part}`);
    }
  }
});
