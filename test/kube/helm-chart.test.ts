// The chart, rendered by both Helms: with its defaults it is the base but for helm's own labels; each value has its
// effect, and the API server takes what comes of it; a typo is refused by its name.

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { t as file, test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { startControlPlane } from '../harness/control-plane.ts';
import { CHART, Helm, HELM_MAJORS } from '../harness/helm.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { Workspace } from '../harness/workspace.ts';
import { CHART_CASES, type Rendered } from './chart-cases.ts';
import { REFUSED } from './chart-refused.ts';
import { kubectl, SYSTEM } from './webhook-setup.ts';

// The first time on a machine both programs are built.
file.setTimeout(900_000);

const HELM_LABELS = ['app.kubernetes.io/instance', 'app.kubernetes.io/managed-by', 'helm.sh/chart'];
/** All digits: YAML would read it as a number. */
const NAMESPACE = '31337';
const WEBHOOK = 'redis-orchestrator-webhook';
const WEIGHT = 'helm.sh/hook-weight';
const PSA = 'pod-security.kubernetes.io';
const HOOK_KINDS = [
  'ClusterRole',
  'ClusterRoleBinding',
  'Pod',
  'Role',
  'RoleBinding',
  'ServiceAccount',
];

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace);
await controlPlane.admin.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
const helms = HELM_MAJORS.map((major) => new Helm(major));

function documents(text: string): readonly Rendered[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((each) => each !== null);
}

/** By kind and name, without what helm adds. */
function byName(objects: readonly Rendered[]): Readonly<Record<string, unknown>> {
  const entries = objects.map((each): [string, unknown] => {
    const labels = { ...each.metadata.labels };
    for (const label of HELM_LABELS) delete labels[label];
    return [
      `${each.kind} ${each.metadata.name}`,
      { ...each, metadata: { ...each.metadata, labels } },
    ];
  });
  return Object.fromEntries(entries.sort(([left], [right]) => left.localeCompare(right)));
}

function isOfTest({ metadata }: Rendered): boolean {
  return metadata.annotations?.['helm.sh/hook'] === 'test';
}

function argsOf(objects: readonly Rendered[]): readonly string[] {
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  const { template } = (deployment?.spec ?? {}) as {
    template?: { spec: { containers: { args: string[] }[] } };
  };
  return template?.spec.containers[0]?.args ?? [];
}

for (const helm of helms) {
  const renderAll = async (
    values: unknown = {},
    namespace = NAMESPACE,
    ...flags: readonly string[]
  ): Promise<readonly Rendered[]> => {
    const args = ['template', 'cache-ha', CHART, `--namespace=${namespace}`, '--values=-'];
    return documents(await helm.run([...args, ...flags], values));
  };
  /** What is installed. */
  const render = async (
    values: unknown = {},
    namespace = NAMESPACE,
  ): Promise<readonly Rendered[]> => await renderAll(values, namespace, '--skip-tests');

  void test(`helm ${helm.major} lint --strict has nothing to say`, async (t) => {
    const { ok, stdout, stderr } = await helm.ask(['lint', '--strict', CHART]);
    t.ok(ok, stdout);
    t.match(stdout, /1 chart\(s\) linted, 0 chart\(s\) failed/);
    t.notMatch(`${stdout}${stderr}`, /\[(WARNING|ERROR)\]/);
  });

  void test(`helm ${helm.major}: the defaults are manifests/base, but for helm's own labels`, async (t) => {
    const base = documents(
      kubectl(controlPlane, ['kustomize', join(REPOSITORY, 'manifests/base')]),
    );
    const wanted = base.filter(({ kind }) => kind !== 'Namespace');
    const rendered = await render({}, SYSTEM);
    t.same(byName(rendered), byName(wanted));
    for (const { kind, metadata } of rendered) {
      t.ok(
        HELM_LABELS.every((label) => label in (metadata.labels ?? {})),
        kind,
      );
    }
  });

  void test(`helm ${helm.major}: the namespace of the release is the only one`, async (t) => {
    const rendered = await render();
    t.notMatch(JSON.stringify(rendered), new RegExp(SYSTEM));
    const inNamespace = rendered.filter(({ metadata }) => metadata.namespace !== undefined);
    t.ok(inNamespace.every(({ metadata }) => metadata.namespace === NAMESPACE));
    t.equal(inNamespace.length, 7);
  });

  void test(`helm ${helm.major}: its test is nothing but hooks, and restricted`, async (t) => {
    const installed = await render();
    const all = await renderAll();
    const hooks = all.filter(isOfTest);
    t.equal(all.length, installed.length + hooks.length);
    t.same(hooks.map(({ kind }) => kind).toSorted(), HOOK_KINDS);
    t.ok(hooks.every(({ metadata }) => metadata.name === 'redis-orchestrator-check'));
    const pod = hooks.find(({ kind }) => kind === 'Pod');
    const service = installed.find(({ kind }) => kind === 'Service');
    const { selector } = (service?.spec ?? {}) as { selector: Readonly<Record<string, string>> };
    t.notMatch(pod?.metadata.labels, selector, 'nobody takes it for a webhook');
    const others = hooks.map(({ kind, metadata }) => [kind, metadata.annotations?.[WEIGHT] ?? '0']);
    t.ok(others.every(([kind, weight]) => kind === 'Pod' || weight === '-1'));
    const restricted = { [`${PSA}/enforce`]: 'restricted', [`${PSA}/warn`]: 'restricted' };
    const namespace = `restricted-${helm.major}`;
    const metadata = { name: namespace, labels: restricted };
    await controlPlane.admin.create('/api/v1/namespaces', { metadata });
    const items = (await renderAll({}, namespace)).filter(isOfTest);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const apply = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
    // A pod is refused whose account is not there, and in a dry run it is not.
    const kept = ['create', '--save-config', 'serviceaccount', '-n', namespace];
    kubectl(controlPlane, [...kept, 'redis-orchestrator-check']);
    const said = kubectl(controlPlane, apply, list);
    t.match(said, 'pod/redis-orchestrator-check created');
    t.notMatch(said, /warning/i);
  });

  void test(`helm ${helm.major}: the test's pod is placed and pulled as the webhook is, or is not there`, async (t) => {
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'infra', operator: 'Exists' }] }],
      },
    };
    const tolerations = [{ key: 'infra', operator: 'Exists' }];
    const imagePullSecrets = [{ name: 'pull' }];
    const podOf = (objects: readonly Rendered[]): Rendered | undefined =>
      objects.find(({ kind }) => kind === 'Pod');
    const values = {
      image: { registry: 'registry.example.com', pullPolicy: 'Always' },
      imagePullSecrets,
      webhook: { tolerations, affinity: { nodeAffinity } },
      injection: { excludedNamespaces: ['kube-system', '2024'] },
      helmTest: { resources: { limits: { memory: '300Mi' } } },
    };
    t.match(podOf(await renderAll(values))?.spec, {
      imagePullSecrets,
      tolerations,
      affinity: { nodeAffinity },
      containers: [
        {
          image: /^registry\.example\.com\/redis-orchestrator\/webhook:/,
          imagePullPolicy: 'Always',
          args: [
            'check',
            '--installation',
            `--system-namespace=${NAMESPACE}`,
            '--excluded-namespaces=kube-system,2024',
          ],
          resources: { limits: { cpu: '1', memory: '300Mi' } },
        },
      ],
    });
    const { affinity } = (podOf(await renderAll())?.spec ?? {}) as { affinity?: unknown };
    t.equal(affinity, undefined, 'it need not stand apart from the webhooks');
    t.ok(podOf(await renderAll({ webhook: { affinity: null } })));
    const off = { helmTest: { enabled: false } };
    t.same(byName(await renderAll(off)), byName(await render(off)));
    const unbound = await renderAll({ rbac: { create: false, peopleRoles: false } });
    t.ok(podOf(unbound));
    t.notOk(
      unbound.some(({ kind }) => /Role/.test(kind)),
      'somebody else binds its rights',
    );
  });

  for (const { name, values, has = {}, lacks = [], flags = [] } of CHART_CASES) {
    void test(`helm ${helm.major}: ${name}`, async (t) => {
      const objects = await render(values);
      for (const [kind, part] of Object.entries(has)) {
        const found = objects.filter((each) => each.kind === kind);
        t.ok(found.length > 0, kind);
        for (const each of found) t.match(each, part as object);
      }
      const kinds = new Set(objects.map(({ kind }) => kind));
      for (const kind of lacks) t.notOk(kinds.has(kind), kind);
      t.same(argsOf(objects).slice(1), flags);
      const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
      const dryRun = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
      const said = kubectl(controlPlane, dryRun, items);
      t.match(said, new RegExp(`deployment.apps/${WEBHOOK} created`));
      t.notMatch(said, /warning/i);
    });
  }

  void test(`helm ${helm.major}: what is no value is refused by its name`, async (t) => {
    for (const { values, says } of REFUSED) {
      const { ok, stderr } = await helm.ask(['template', 'x', CHART, '--values=-'], values);
      t.notOk(ok, JSON.stringify(values));
      t.match(stderr, /values don't meet the specifications of the schema/);
      t.match(stderr, says);
    }
  });

  void test(`helm ${helm.major}: another chart may depend on this one, on a condition`, async (t) => {
    const parent = workspace.folder(`parent-${helm.major}`);
    mkdirSync(join(parent, 'charts'));
    cpSync(CHART, join(parent, 'charts', 'redis-orchestrator'), { recursive: true });
    const dependency = 'name: redis-orchestrator\n    version: "*"\n    condition: ha.enabled';
    const head = 'apiVersion: v2\nname: shop\nversion: 1.0.0';
    writeFileSync(join(parent, 'Chart.yaml'), `${head}\ndependencies:\n  - ${dependency}\n`);
    const values = (enabled: boolean): unknown => ({
      ha: { enabled },
      global: { team: 'shop' },
      'redis-orchestrator': { enabled, webhook: { replicas: 3 } },
    });
    const args = ['template', 'shop', parent, '--values=-'];
    const [own] = documents(await helm.run(args, values(true))).filter(
      ({ kind }) => kind === 'Deployment',
    );
    t.match(own, { metadata: { name: WEBHOOK }, spec: { replicas: 3 } });
    t.equal((await helm.run(args, values(false))).trim(), '');
  });
}
