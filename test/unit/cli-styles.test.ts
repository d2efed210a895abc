// Ways to write YAML that make an edit in place hard: the result says what it should, and keeps what it can.

import { test } from 'tap';
import { parse } from 'yaml';
import { inject } from '../../cli/commands/inject.ts';
import { uninject } from '../../cli/commands/uninject.ts';
import { parseManifest } from '../../cli/manifest/parse.ts';
import { CORE } from './webhook-fixtures.ts';

type Template = { metadata: { labels: object }; spec: { containers: { args?: string[] }[] } };
type Owner = { spec: { selector: { matchLabels: object }; template: Template } };
type Cron = { spec: { jobTemplate: { spec: { template: Template } } } };

function run(text: string): { text: string; notes: string } {
  const parsed = parseManifest('x.yaml', text);
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'));
  const { stdout, stderr } = inject(parsed.manifest, CORE, 'shop', false);
  const again = parseManifest('x.yaml', stdout);
  if (!again.ok) throw new Error(again.errors.join('\n'));
  return { text: stdout, notes: stderr + uninject(again.manifest, false).stdout };
}

const FENCE = ['redis-server', '--replicaof', '127.0.0.1', '1', '--replica-read-only', 'yes'];
const HEAD = 'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: redis}\nspec:\n';

void test('an alias gets a value of its own where only its place changes', async (t) => {
  const source = `${HEAD}  selector:\n    matchLabels: &labels {app: redis}\n  template:\n    metadata:\n      labels: *labels\n    spec:\n      containers:\n        - {name: redis, image: redis:7}\n`;
  const { text, notes } = run(source);
  const { spec } = parse(text) as Owner;
  t.same(spec.selector.matchLabels, { app: 'redis' });
  t.same(spec.template.metadata.labels, { app: 'redis', 'redis-orchestrator.io/group': 'redis' });
  t.same(spec.template.spec.containers[0]?.args, FENCE);
  t.match(text, /matchLabels: &labels \{app: redis\}/);
  t.notMatch(notes, /written anew/);
});

void test('other aliases of an anchor that changes keep what they were', async (t) => {
  const source = `${HEAD}  template: # ours\n    metadata:\n      labels: &labels\n        app: redis\n    spec:\n      containers:\n        - {name: redis, image: redis:7}\n  selector:\n    matchLabels: *labels\n`;
  const { text, notes } = run(source);
  const { spec } = parse(text) as Owner;
  t.same(spec.selector.matchLabels, { app: 'redis' });
  t.same(spec.template.metadata.labels, { app: 'redis', 'redis-orchestrator.io/group': 'redis' });
  t.match(text, /template: # ours/);
  t.notMatch(notes, /written anew/);
});

void test('merged keys are added to, not into', async (t) => {
  const source = `x: &c\n  name: redis\n  image: redis:7\n${HEAD}  template:\n    metadata: {}\n    spec:\n      containers:\n        - <<: *c\n          ports: [] # none\n`;
  const { text } = run(source);
  const { x, spec } = parse(text, { merge: true }) as Owner & { x: object };
  t.same(x, { name: 'redis', image: 'redis:7' });
  t.same(spec.template.spec.containers[0]?.args, FENCE);
  t.match(text, /<<: \*c\n +ports: \[\] # none/);
});

void test('what cannot be kept is written anew and told, with the same values', async (t) => {
  const source = `${HEAD}  ? template\n  : metadata: {}\n    spec: {containers: [{name: redis, image: redis:7, args: ["--a",],},]}\n`;
  const { text, notes } = run(source);
  t.same((parse(text) as Owner).spec.template.spec.containers[0]?.args, ['--a', ...FENCE.slice(1)]);
  t.match(notes, /without its comments|containers/);
});

void test('JSON stays JSON, in one line and in many', async (t) => {
  const value = {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'redis-0' },
        spec: { containers: [{ name: 'redis', image: 'redis:7', args: ['--port', '6379'] }] },
      },
    ],
  };
  for (const indent of [0, 2, 4]) {
    const source = `${JSON.stringify(value, null, indent)}\n`;
    const { text, notes } = run(source);
    const { items } = JSON.parse(text) as {
      items: { spec: { containers: { args: string[] }[] } }[];
    };
    t.same(items[0]?.spec.containers[0]?.args, ['--port', '6379', ...FENCE.slice(1)]);
    t.ok(notes.endsWith(source), 'and back to the byte');
  }
});

void test('a CronJob that opts in has its template two levels down', async (t) => {
  const source =
    'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: load}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        metadata:\n          labels: {redis-orchestrator.io/inject: enabled}\n        spec:\n          containers:\n            - {name: redis, image: redis:7}\n';
  const { text } = run(source);
  const { template } = (parse(text) as Cron).spec.jobTemplate.spec;
  t.same(template.spec.containers[0]?.args, FENCE);
  t.match(
    run(source.replace(' {redis-orchestrator.io/inject: enabled}', ' {}')).notes,
    /\[job-pod\]/,
  );
});

void test('words that kubectl would take for booleans or numbers are quoted', async (t) => {
  const source = `${HEAD}  template:\n    spec:\n      containers:\n        - name: redis\n          image: redis:7\n          env: [{name: A, value: "0777"}]\n`;
  const { text } = run(source);
  t.match(text, /- "yes"\n/);
  t.match(text, /- "1"\n/);
  t.match(text, /value: "0777"/);
});

void test('JSON stays JSON: a null that was written comes back as it was', async (t) => {
  const container = '{"name":"redis","image":"redis:7","args":null, "lifecycle": null}';
  const text = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"redis-0","labels":null},"spec":{"volumes":null,"containers":[${container}]}}\n`;
  const injected = run(text);
  t.doesNotThrow(() => JSON.parse(injected.text) as unknown);
  t.ok(injected.notes.endsWith(text), 'after uninject');
});
