// The Helm chart is made from the base and one table; its schema knows every value and nothing else. What helm itself
// makes of it: test/kube/helm-chart.test.ts.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { test } from 'tap';
import { parse } from 'yaml';
import { FROM_PARENT_CHARTS } from '../../scripts/chart/rules.ts';
import { CHART_VALUES } from '../../scripts/chart/table.ts';
import { WEBHOOK_OPTIONS } from '../../webhook/config.ts';

type Json = Readonly<Record<string, unknown>>;

const root = fileURLToPath(new URL('../../', import.meta.url));
const chart = join(root, 'manifests', 'chart');
const templates = readdirSync(join(chart, 'templates'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => ({
    file: relative(join(chart, 'templates'), join(parentPath, name)),
    text: readFileSync(join(parentPath, name), 'utf8'),
  }));
const defaults = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Json;
const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Json;
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);
const paths = Object.keys(CHART_VALUES);

/** A copy in which the value at the path is what `change` makes of its group. */
function changed(
  path: string,
  change: (group: Record<string, unknown>, key: string) => void,
): Json {
  const copy = structuredClone(defaults) as Record<string, unknown>;
  const steps = path.split('.');
  const key = steps.pop() ?? '';
  let group = copy;
  for (const step of steps) group = group[step] as Record<string, unknown>;
  change(group, key);
  return copy;
}

function complaints(values: Json): string {
  return validate(values) ? '' : JSON.stringify(validate.errors);
}

void test('making the chart again changes nothing', async (t) => {
  const run = promisify(execFile);
  await t.resolves(run(process.execPath, [join(root, 'scripts/chart.mjs'), '--check']));
});

void test('the defaults are what the schema allows', (t) => {
  t.equal(complaints(defaults), '');
  t.end();
});

for (const path of paths) {
  void test(`${path}: a typo is refused, and so is a value of another kind`, (t) => {
    const last = path.split('.').at(-1) ?? '';
    const misspelt = changed(path, (group, key) => (group[`${key}s`] = group[key]));
    t.match(complaints(misspelt), new RegExp(`"additionalProperty":"${last}s"`));
    for (const wrong of [{ nonsense: 1 }, 'not a value!', -1]) {
      t.not(
        complaints(changed(path, (group, key) => (group[key] = wrong))),
        '',
        JSON.stringify(wrong),
      );
    }
    const isRequired = CHART_VALUES[path]?.isOptional !== true;
    const without = complaints(changed(path, (group, key) => delete group[key]));
    t.equal(without !== '', isRequired, 'a default that is taken away by null');
    t.end();
  });
}

void test('nothing in the schema is open but the labels of a selector and what is not ours', (t) => {
  const open: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, additionalProperties } = node as Json;
    if (type === 'object' && additionalProperties !== false) open.push(path);
    for (const [key, each] of Object.entries(node)) visit(each, `${path}/${key}`);
  };
  visit(schema, '');
  const expected = open.filter((path) => !/\/(matchLabels|properties\/global)$/.test(path));
  t.same(expected, []);
  t.ok(open.length > 0);
  t.end();
});

void test('a chart that depends on this one may have a condition and globals', (t) => {
  t.same(Object.keys(FROM_PARENT_CHARTS).sort(), ['enabled', 'global']);
  t.equal(complaints({ ...defaults, enabled: true, global: { registry: 'any' } }), '');
  t.end();
});

void test('certificates of somebody else need the name of their Secret', (t) => {
  const from = (secretName: string): Json =>
    changed(
      'webhook.certificates',
      (group, key) => (group[key] = { source: 'secret', secretName }),
    );
  t.match(complaints(from('')), /secretName/);
  t.equal(complaints(from('webhook-tls')), '');
  t.end();
});

void test('the templates use each value of the table, and no other', (t) => {
  const used = new Set<string>();
  for (const { text } of templates) {
    for (const [, path = ''] of text.matchAll(/\.Values\.([A-Za-z.]+)/g)) used.add(path);
  }
  // An image is handed on as a whole.
  const isUsed = (path: string): boolean =>
    used.has(path) || used.has(path.replace(/\.[A-Za-z]+$/, ''));
  t.same(
    paths.filter((path) => !isUsed(path)),
    [],
  );
  const isKnown = (path: string): boolean =>
    paths.some((each) => each === path || each.startsWith(`${path}.`));
  t.same(
    [...used].filter((path) => !isKnown(path)),
    [],
  );
  t.end();
});

void test('no template renders a caBundle, asks the cluster, or runs anything around a release', (t) => {
  for (const { file, text } of templates) {
    t.notMatch(text, /caBundle:|lookup/, file);
    const hooks = [...text.matchAll(/helm\.sh\/hook: *(.*)/g)].map(([, event]) => event);
    t.ok(
      hooks.every((event) => event === 'test'),
      file,
    );
  }
  t.end();
});

void test('all that is only for helm test is a hook, and gone once that has passed', (t) => {
  const ofTest = templates.filter(({ file }) => file.startsWith('tests/'));
  t.same(ofTest.map(({ file }) => file).toSorted(), ['tests/check.yaml', 'tests/rights.yaml']);
  for (const { file, text } of ofTest) {
    const objects = text.match(/^kind: /gm) ?? [];
    const hooks = text.match(/include "redis-orchestrator\.test(Hook|Right)"/g) ?? [];
    t.equal(hooks.length, objects.length, file);
  }
  const helpers = templates.find(({ file }) => file === '_helpers.tpl')?.text ?? '';
  t.match(helpers, /helm\.sh\/hook-delete-policy: before-hook-creation,hook-succeeded\n/);
  t.end();
});

void test("what the test runs is in the webhook's image, and reaches the build of it", (t) => {
  const recipe = readFileSync(join(root, 'Dockerfile.webhook'), 'utf8');
  const copies = [...recipe.matchAll(/^COPY (\S+) (\S+)$/gm)];
  const context = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  for (const [, from = ''] of copies) t.ok(context.includes(`!${from}`), from);
  const program = templates
    .find(({ file }) => file === 'tests/check.yaml')
    ?.text.match(/command: \[node, .*, (\S+)\]/)?.[1];
  const targets = copies.map(([, , to]) => to);
  t.ok(program !== undefined && targets.includes(program));
  t.end();
});

/** Options of the webhook that are no values, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  agentImage: 'made of image and agent.image',
  namespace: 'of the pod itself',
  serviceName: 'one installation for each cluster: the names are fixed',
  configurationName: 'the same',
  caSecret: 'the same',
  certNames: 'the API server calls the Service alone',
  caLifetime: 'nobody needs another one',
  certLifetime: 'nobody needs another one',
  tlsCertFile: 'by webhook.certificates',
  tlsKeyFile: 'by webhook.certificates',
  tlsCaFile: 'by webhook.certificates',
  httpsHost: 'a container has its own addresses',
  httpsPort: 'a container has its own ports',
  healthPort: 'a container has its own ports',
  roundInterval: 'for tests',
  drainDelay: 'goes with terminationGracePeriodSeconds of the base',
};

void test('every option of the webhook is a value of the chart, or it is said why not', (t) => {
  const inChart = new Set(Object.values(CHART_VALUES).map(({ flag }) => flag));
  for (const option of Object.keys(WEBHOOK_OPTIONS) as (keyof typeof WEBHOOK_OPTIONS)[]) {
    t.not(inChart.has(option), option in LEFT_OUT, option);
  }
  t.end();
});
