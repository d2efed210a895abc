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

function argsOf(objects: readonly Rendered[]): readonly string[] {
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  const { template } = (deployment?.spec ?? {}) as {
    template?: { spec: { containers: { args: string[] }[] } };
  };
  return template?.spec.containers[0]?.args ?? [];
}

for (const helm of helms) {
  const render = async (
    values: unknown = {},
    namespace = NAMESPACE,
  ): Promise<readonly Rendered[]> => {
    const args = ['template', 'cache-ha', CHART, `--namespace=${namespace}`, '--values=-'];
    return documents(await helm.run(args, values));
  };

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
