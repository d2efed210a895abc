// check --pre and check of a cluster: what each thing that was seen is judged to be, and that each has a remedy.

import t from 'tap';
import { baseObjects } from '../../cli/base-objects.ts';
import { apiFindings, neededResources, type Served } from '../../cli/commands/check-api.ts';
import {
  type InstallationFacts,
  installationFindings,
  installedFindings,
} from '../../cli/commands/check-installation.ts';
import {
  barePodFindings,
  healthFindings,
  otherAgentFindings,
  withoutUnasked,
} from '../../cli/commands/check-members.ts';
import {
  type Configuration,
  type PresenceFacts,
  presenceFindings,
} from '../../cli/commands/check-presence.ts';
import {
  mayApply,
  needsOf,
  placesOf,
  rightFindings,
  trialFindings,
} from '../../cli/commands/check-rights.ts';
import type { Finding } from '../../cli/commands/finding.ts';
import { isSelected } from '../../cli/commands/label-selector.ts';
import { reportFindings } from '../../cli/commands/report-findings.ts';
import type { Cluster, Question } from '../../cli/live/cluster.ts';
import { FakeCluster, ran } from './cli-live-fixtures.ts';

const SYSTEM = 'redis-orchestrator-system';
const BASE = baseObjects(SYSTEM);
const NEEDED = neededResources(BASE);

/** What is not well, and each with a remedy. */
function faults(findings: readonly Finding[]): readonly string[] {
  return findings.flatMap(({ level, code, remedy }) => {
    if (level !== 'ok' && remedy === undefined) throw new Error(`${code}: no remedy`);
    return level === 'ok' ? [] : [`${level} ${code}`];
  });
}

/** All that is needed, as an API server tells of it. */
function served(): Map<
  string,
  { ok: true; value: { name: string; kind: string; namespaced: boolean }[] | null }
> {
  const all = new Map<
    string,
    { ok: true; value: { name: string; kind: string; namespaced: boolean }[] }
  >();
  for (const each of NEEDED) {
    const known = all.get(each.apiVersion) ?? { ok: true as const, value: [] };
    const kind = 'kind' in each ? each.kind : `Kind of ${each.name}`;
    const name = 'name' in each ? each.name : `${each.kind.toLowerCase()}s`;
    const namespaced = !/^(Namespace|Cluster|Mutating)/.test(kind);
    all.set(each.apiVersion, { ok: true, value: [...known.value, { name, kind, namespaced }] });
  }
  return all;
}

await t.test('what is needed comes from the manifests, and from the rights in them', async (t) => {
  const names = NEEDED.map(
    (each) => `${each.apiVersion} ${'kind' in each ? each.kind : each.name}`,
  );
  for (const name of [
    'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration',
    'coordination.k8s.io/v1 leases',
    'discovery.k8s.io/v1 endpointslices',
    'events.k8s.io/v1 events',
    'apps/v1 Deployment',
  ]) {
    t.ok(names.includes(name), name);
  }
  t.notOk(names.some((name) => name.includes('/proxy')));
  t.equal(new Set(names).size, names.length, 'each once');
  const elsewhere = JSON.stringify(baseObjects('redis-ha').map(({ value }) => value));
  t.notMatch(elsewhere, SYSTEM, 'another namespace is another one everywhere');
});

await t.test('the API server: its version, its clock, and what it serves', async (t) => {
  const facts = { gitVersion: 'v1.36.2', aheadMs: 400, served: served() as Served };
  const of = (changes: Partial<typeof facts>) => apiFindings({ ...facts, ...changes }, NEEDED);
  t.same(faults(of({})), []);
  t.same(faults(of({ gitVersion: 'v1.28.0' })), []);
  t.same(faults(of({ gitVersion: 'v1.30.1-gke.100' })), []);
  t.same(faults(of({ gitVersion: 'v1.27.16+k3s1' })), ['warning kubernetes-old']);
  const late = of({ aheadMs: -90_400 });
  t.same(faults(late), ['warning clock-differs']);
  t.match(late[1]?.text, 'this machine is 1m30s behind the API server');
  const none = new Map([...served(), ['discovery.k8s.io/v1', { ok: true as const, value: null }]]);
  const missing = of({ served: none });
  t.same(faults(missing), ['error api-missing']);
  t.match(missing[2]?.text, 'endpointslices of discovery.k8s.io/v1 is not served');
  const closed = new Map([...(served() as Served), ['v1', { ok: false as const, why: 'no' }]]);
  t.same(faults(of({ served: closed })), ['unseen not-seen'], 'what was not seen is not missing');
});

await t.test('rights: each kind once, by verb, and only what may be made is tried', async (t) => {
  const places = placesOf(BASE, served() as Served, SYSTEM);
  t.equal(places.length, BASE.length);
  const needs = needsOf(places);
  const allowed = needs.map((need) => ({ need, isAllowed: { ok: true as const, value: true } }));
  t.same(faults(rightFindings(allowed)), []);
  t.ok(places.every((place) => mayApply(place, allowed)));
  const some = allowed.map((each) =>
    each.need.resource === 'clusterroles' && each.need.verb !== 'get'
      ? { ...each, isAllowed: { ok: true as const, value: false } }
      : each,
  );
  const found = rightFindings(some);
  t.same(
    found.map(({ text }) => text),
    ['you may not create, patch clusterroles.rbac.authorization.k8s.io'],
  );
  t.same(faults(found), ['error right-missing']);
  const tried = places.filter((place) => mayApply(place, some));
  t.notOk(tried.some(({ resource }) => resource === 'clusterroles'));
  const unknown = needs.map((need) => ({ need, isAllowed: { ok: false as const, why: 'no' } }));
  t.same(faults(rightFindings(unknown)), ['unseen not-seen'], 'once');
});

await t.test('a dry run: rights that are not held, a policy, no answer', async (t) => {
  const [place] = placesOf(BASE, served() as Served, SYSTEM);
  if (place === undefined) throw new Error('there is no place');
  const of = (refusal: { status: number; detail: string } | null) =>
    faults(trialFindings([{ place, refusal }]));
  t.same(of(null), []);
  t.same(of({ status: 404, detail: 'role not found' }), [], 'what it refers to comes with it');
  const grant = '403 … is attempting to grant RBAC permissions not currently held';
  t.same(of({ status: 403, detail: grant }), ['error rights-not-held']);
  t.same(of({ status: 422, detail: '422 denied by a policy' }), ['error refused']);
  t.same(of({ status: 0, detail: 'no answer' }), ['unseen not-seen']);
});

const OWN: Configuration = {
  metadata: {
    name: 'redis-orchestrator',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'app.kubernetes.io/name': 'redis-orchestrator' },
  },
  webhooks: [{ clientConfig: { service: { namespace: SYSTEM } } }],
};

function other(changes: object = {}): Configuration {
  const rules = [{ apiGroups: ['*'], operations: ['CREATE'], resources: ['pods'] }];
  return { metadata: { name: 'other' }, webhooks: [{ rules, failurePolicy: 'Fail', ...changes }] };
}

await t.test('the place: free, taken, ending, installed before, and other webhooks', async (t) => {
  const facts: PresenceFacts = {
    systemNamespace: SYSTEM,
    namespace: { ok: true, value: null },
    configurations: { ok: true, value: [] },
    kubelets: { ok: true, value: [] },
    hasPodMonitors: { ok: true, value: false },
  };
  const of = (changes: Partial<PresenceFacts>, isNative = true) =>
    faults(presenceFindings({ ...facts, ...changes }, BASE, () => isNative));
  const configured = (...value: readonly Configuration[]) =>
    of({ configurations: { ok: true, value } });
  t.same(of({}), []);
  t.same(of({}, false), ['warning kubelet-old']);
  t.same(of({ namespace: { ok: true, value: {} } }), ['warning namespace-taken']);
  const ours = { metadata: { labels: { 'app.kubernetes.io/name': 'redis-orchestrator' } } };
  t.same(of({ namespace: { ok: true, value: ours } }), []);
  const ending = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } };
  t.same(of({ namespace: { ok: true, value: ending } }), ['error namespace-ends']);
  t.same(configured(OWN), ['warning installed']);
  t.same(configured({ ...OWN, metadata: { name: 'redis-orchestrator' } }), ['error name-taken']);
  const there = [{ clientConfig: { service: { namespace: 'redis-ha' } } }];
  t.same(configured({ ...OWN, webhooks: there }), ['error installed-elsewhere']);
  t.same(configured(other()), ['warning webhook-in-the-way']);
  t.same(configured(other({ failurePolicy: 'Ignore' })), []);
  const exempt = (key: string, operator: string, values?: readonly string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  const name = 'kubernetes.io/metadata.name';
  t.same(configured(other({ namespaceSelector: exempt(name, 'NotIn', [SYSTEM]) })), []);
  t.same(configured(other({ namespaceSelector: exempt('istio-injection', 'Exists') })), []);
  const labelled = exempt('app.kubernetes.io/component', 'NotIn', ['webhook']);
  t.same(configured(other({ objectSelector: labelled })), []);
  const closed = { ok: false as const, why: 'you may not' };
  t.same(of({ namespace: closed, configurations: closed, kubelets: closed }), [
    'unseen not-seen',
    'unseen not-seen',
    'unseen not-seen',
  ]);
});

await t.test('a label selector matches as Kubernetes has it', async (t) => {
  t.ok(isSelected(undefined, {}));
  t.ok(isSelected({}, { a: '1' }));
  t.ok(isSelected({ matchLabels: { a: '1' } }, { a: '1', b: '2' }));
  t.notOk(isSelected({ matchLabels: { a: '1' } }, { b: '2' }));
  const one = (operator: string, values?: string[]) => ({
    matchExpressions: [{ key: 'a', operator, values }],
  });
  t.ok(isSelected(one('In', ['1']), { a: '1' }));
  t.notOk(isSelected(one('In', ['1']), {}));
  t.ok(isSelected(one('NotIn', ['1']), {}));
  t.notOk(isSelected(one('Exists'), {}));
  t.ok(isSelected(one('DoesNotExist'), {}));
});

await t.test('an installation: trust, pods that are ready, and what it makes', async (t) => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  const facts: InstallationFacts = {
    configuration: { ok: true, value: OWN },
    deployment: { ok: true, value: { spec: { replicas: 2 }, status: { readyReplicas: 2 } } },
    deploymentName: 'redis-orchestrator-webhook',
    systemNamespace: SYSTEM,
    authorityEnds: [now + 100 * 24 * 3_600_000],
    nowEpochMs: now,
    asking: ['shop'],
    made: [{ kind: 'ServiceAccount', where: { ok: true, value: ['shop'] } }],
  };
  const of = (changes: Partial<InstallationFacts>) =>
    faults(installationFindings({ ...facts, ...changes }));
  const deployed = (replicas: number, readyReplicas: number) =>
    of({ deployment: { ok: true, value: { spec: { replicas }, status: { readyReplicas } } } });
  t.same(of({}), []);
  t.same(of({ authorityEnds: [now + 1000, null] }), ['error no-ca-bundle']);
  t.same(of({ authorityEnds: [now - 1000] }), ['error certificate-ends']);
  t.same(of({ authorityEnds: [now + 3_600_000] }), ['warning certificate-ends']);
  t.same(deployed(2, 1), ['warning webhook-not-ready']);
  t.same(deployed(2, 0), ['error webhook-not-ready']);
  t.same(deployed(0, 0), ['error webhook-not-ready'], 'scaled to none');
  t.same(of({ deployment: { ok: true, value: null } }), ['error webhook-not-ready']);
  const byUrl = { ...OWN, webhooks: [{ clientConfig: { url: 'https://10.0.0.1/mutate' } }] };
  t.same(
    of({ configuration: { ok: true, value: byUrl }, deployment: { ok: true, value: null } }),
    [],
    'by its URL it may be anywhere',
  );
  const empty = { configuration: { ok: true as const, value: { ...OWN, webhooks: [] } } };
  t.same(of({ ...empty, authorityEnds: [] }), ['error no-webhook'], 'one that asks nobody');
  t.same(of({ ...empty, authorityEnds: [], asking: [] }), []);
  const made = [{ kind: 'Role', where: { ok: true as const, value: ['other'] } }];
  t.same(of({ made }), ['error agents-without-rights']);
  const none = { configuration: { ok: true as const, value: null } };
  t.same(of(none), ['error no-webhook']);
  t.same(of({ ...none, asking: [] }), [], 'agents that are written by hand need none');
  const closed = { ok: false as const, why: 'you may not' };
  t.same(of({ configuration: closed, made: [{ kind: 'Role', where: closed }] }), [
    'unseen not-seen',
    'unseen not-seen',
  ]);
});

await t.test(
  'an installation that must be there: absent, elsewhere, and asked by nobody',
  async (t) => {
    const facts: InstallationFacts = {
      configuration: { ok: true, value: OWN },
      deployment: { ok: true, value: { spec: { replicas: 2 }, status: { readyReplicas: 2 } } },
      deploymentName: 'redis-orchestrator-webhook',
      systemNamespace: SYSTEM,
      authorityEnds: [Date.parse('2026-03-01T00:00:00Z')],
      nowEpochMs: Date.parse('2026-01-31T00:00:00Z'),
      asking: [],
      made: [],
    };
    const of = (changes: Partial<InstallationFacts>, wanted = SYSTEM) =>
      installedFindings({ ...facts, ...changes }, wanted, true);
    const lines = of({}).map(({ level, about, text }) => `${level} ${about}: ${text}`);
    t.same(lines, [
      'ok webhook: the API server trusts it: its certificate authority ends in 29d',
      'ok webhook: 2 of 2 pods are ready',
      'ok namespaces: none asks for injection yet (redis-orchestrator.io/inject=enabled)',
    ]);
    const unlisted = installedFindings(facts, SYSTEM, false).map(({ about }) => about);
    t.same(unlisted, ['webhook', 'webhook'], 'nothing of namespaces that may not be listed');
    t.same(faults(of({ configuration: { ok: true, value: null } })), ['error no-webhook']);
    t.same(faults(of({}, 'redis-ha')), ['error installed-elsewhere']);
    const closed = { ok: false as const, why: 'you may not' };
    t.same(faults(of({ configuration: closed })), ['unseen not-seen']);
    t.same(faults(of({ deployment: closed })), ['unseen not-seen']);
  },
);

await t.test('pods without an agent: one finding for each owner', async (t) => {
  const pod = (name: string, owner: string) => ({ namespace: 'shop', name, owner });
  const found = barePodFindings([
    pod('redis-0', 'StatefulSet/redis'),
    pod('redis-1', 'StatefulSet/redis'),
    pod('lonely', 'Pod/lonely'),
  ]);
  t.same(faults(found), ['error pods-not-injected', 'error pods-not-injected']);
  t.match(found[0], {
    about: 'StatefulSet shop/redis',
    text: /^redis-0, redis-1: /,
    remedy: /kubectl rollout restart -n shop statefulset\/redis/,
  });
});

await t.test('pods whose agent is another one than the webhook injects now', async (t) => {
  const pod = (name: string, image: string) => ({
    namespace: 'shop',
    name,
    owner: 'StatefulSet/redis',
    image,
  });
  const pods = [pod('redis-0', 'agent:1'), pod('redis-1', 'agent:2'), pod('redis-2', 'agent:1')];
  const found = otherAgentFindings(pods, 'agent:2');
  t.same(faults(found), ['warning other-agent']);
  t.match(found[0]?.text, /^redis-0, redis-2: .*, agent:2$/);
  t.same(otherAgentFindings(pods, undefined), [], 'it cannot be seen');
});

await t.test('of all namespaces, a Redis that nobody asked about is one line', async (t) => {
  const other: Finding = { level: 'warning', about: 'a', code: 'no-service', text: 'b' };
  const unasked = (about: string): Finding => ({
    level: 'error',
    about,
    code: 'namespace-unlabelled',
    text: 'c',
  });
  t.same(withoutUnasked([unasked('StatefulSet a/x'), other, unasked('StatefulSet b/y')]), [
    other,
    {
      level: 'ok',
      about: 'other Redis',
      text: 'in namespaces that do not ask for agents: StatefulSet a/x, StatefulSet b/y',
    },
  ]);
  t.same(withoutUnasked([other]), [other]);
});

await t.test('groups: as status has them', async (t) => {
  const group = { namespace: 'shop', group: 'redis', summary: 'why', isBlind: false };
  t.same(
    faults(
      healthFindings([
        { ...group, health: 'healthy' },
        { ...group, health: 'degraded' },
        { ...group, health: 'critical' },
        { ...group, health: 'critical', isBlind: true },
      ]),
    ),
    ['warning group-degraded', 'error group-critical', 'unseen not-seen'],
  );
});

await t.test('the exit code is that of the worst; unseen counts where it was asked for', (t) => {
  const code = (levels: readonly Finding['level'][], isPartial = false) => {
    const findings = levels.map((level) => ({ level, about: 'a', text: 'b' }));
    return reportFindings(findings, { output: 'table', nothing: '', isPartial }).code;
  };
  t.equal(code(['ok']), 0);
  t.equal(code(['ok', 'unseen']), 0);
  t.equal(code(['ok', 'unseen'], true), 1);
  t.equal(code(['ok', 'unseen', 'warning'], true), 3);
  t.equal(code(['warning', 'error'], true), 4);
  const finding: Finding = { level: 'warning', about: 'a', code: 'c', text: 'b', remedy: 'd' };
  const told = (output: string) =>
    reportFindings([finding], { output, nothing: '', isPartial: false }).stdout;
  t.equal(told('table'), '‼ a: b [c]\n    d\n');
  t.same(JSON.parse(told('json')), [finding]);
  t.match(told('yaml'), /^- level: warning\n {2}about: a\n/);
  t.end();
});

await t.test(
  'the own namespace counts: one that may not be seen, and one that is not there',
  async (t) => {
    const fake = new FakeCluster();
    const seen = await ran(fake, ['check']);
    t.notMatch(seen.stdout, /\? namespace/);
    fake.denied.add('get namespaces');
    const hidden = await ran(fake, ['check', '-o', 'json']);
    const found = JSON.parse(hidden.stdout) as readonly Finding[];
    t.match(
      found.find(({ about }) => about === 'namespace shop'),
      { level: 'unseen', text: 'not looked at: you may not get namespaces in namespace shop' },
    );
    const levels = found.map(({ level }) => level);
    const worst = levels.includes('error') ? 4 : levels.includes('warning') ? 3 : 1;
    t.equal(hidden.code, worst, 'never 0');
    const gone = await ran(new FakeCluster(), ['check', '-n', 'shpo']);
    t.same([gone.code, gone.stdout], [1, '']);
    t.equal(
      gone.stderr,
      'there is no namespace shpo. Remedy: kubectl get namespaces lists them.\n',
    );
  },
);

await t.test(
  'a pod without an agent in a namespace that may not be seen is no success',
  async (t) => {
    const fake = new FakeCluster();
    const pod = { spec: { containers: [{ name: 'redis', image: 'redis:7' }] } };
    const ask: Cluster['ask'] = async <T>(question: Question) => {
      const { path, right } = question;
      if (right.resource !== 'pods' || path.includes('labelSelector')) {
        return await fake.cluster.ask<T>(question);
      }
      const metadata = { name: 'redis-0', namespace: 'shop', uid: 'u0' };
      return { ok: true, body: { items: [{ ...pod, metadata }] } as T, serverEpochMs: null };
    };
    fake.reports = [];
    fake.hasLease = false;
    fake.denied.add('get namespaces');
    const { code, stdout } = await ran(fake, ['check'], {
      connect: async () => ({ ...fake.cluster, ask }),
    });
    t.equal(code, 1, stdout);
    t.match(stdout, '? namespace shop: not looked at');
  },
);

await t.test('a list that is null is an empty one', async (t) => {
  const fake = new FakeCluster();
  const ask: Cluster['ask'] = async <T>(question: Question) =>
    question.right.verb === 'list'
      ? { ok: true as const, body: { items: null } as T, serverEpochMs: null }
      : await fake.cluster.ask<T>(question);
  const connect = async () => ({ ...fake.cluster, ask });
  for (const args of [['check'], ['status'], ['status', 'redis'], ['events', 'redis']]) {
    t.notMatch((await ran(fake, args, { connect })).stderr, /TypeError|items/, args.join(' '));
  }
});

await t.test(
  'a name that is none of a namespace is refused before anything is asked',
  async (t) => {
    const names = ['a"b', '$&', 'Ups_Case', 'a/../../kube-system', 'a.b', 'a'.repeat(64), ''];
    for (const [name, flag] of names.flatMap((each) => [
      [each, '--system-namespace'] as const,
      [each, '--namespace'] as const,
    ])) {
      const told = await ran(new FakeCluster(), ['check', '--pre', flag, name]);
      t.equal(told.code, 2, name);
      t.ok(
        told.stderr.startsWith(
          `${flag}: ${JSON.stringify(name)} is no name of a namespace. Remedy: `,
        ),
        told.stderr,
      );
    }
    t.match(JSON.stringify(baseObjects('$&')), '"namespace":"$&"', 'as it was given');
  },
);

await t.test('an API server that does not answer, and flags that exclude each other', async (t) => {
  const fake = new FakeCluster();
  const silent = async () =>
    ({ ok: false, status: 0, detail: 'no answer from x within 10s', missing: null }) as const;
  const connect = async () => ({ ...fake.cluster, ask: silent });
  t.match(await ran(fake, ['check', '--pre'], { connect }), {
    code: 1,
    stderr: /the API server does not answer: no answer from x within 10s\. Remedy: /,
  });
  t.match(await ran(fake, ['check', '--pre', '-f', 'redis.yaml']), { code: 2, stderr: /Remedy: / });
  t.match(await ran(fake, ['check', '-A', '-f', 'redis.yaml']), { code: 2, stderr: /Remedy: / });
  for (const other of [['--pre'], ['-f', 'redis.yaml']]) {
    const { code, stderr } = await ran(fake, ['check', '--installation', ...other]);
    t.equal(code, 2, other.join(' '));
    t.match(stderr, /--installation.* Remedy: leave one of them out\./);
  }
});
