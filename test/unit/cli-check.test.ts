// check: each finding has a code, a mark and a remedy; what is fine is said to be fine.

import { test } from 'tap';
import { run } from '../../cli/run.ts';

const INJECT = 'redis-orchestrator.io/inject';

function redis(
  name = 'redis',
  options: { spec?: string; labels?: string; kind?: string } = {},
): string {
  const { spec = 'replicas: 3', labels = 'app: redis', kind = 'StatefulSet' } = options;
  return `apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}, namespace: shop}
spec:
  ${spec}
  template:
    metadata: {labels: {${labels}}}
    spec:
      containers: [{name: redis, image: redis:7}]
---
`;
}

function service(selector: string, rest = ''): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop${rest}}\nspec: {${selector}}\n---\n`;
}

const LEADING = service('selector: {app: redis, redis-role: master}');

type Finding = { level: string; code?: string; remedy?: string };

async function found(text: string): Promise<string[]> {
  return (await checked(text)).found;
}

async function checked(text: string): Promise<{ code: number; found: string[] }> {
  const read = async () => Buffer.from(text);
  const { code, stdout } = await run(['check', '-f', 'a', '-o', 'json'], {}, read);
  const findings = JSON.parse(stdout) as Finding[];
  for (const { level, remedy, code: which } of findings) {
    if (level !== 'ok' && remedy === undefined) {
      throw new Error(`${which}: no remedy`);
    }
  }
  return { code, found: findings.flatMap((each) => each.code ?? []) };
}

void test('a group with a Service that leads to its master is fine', async (t) => {
  t.same(await checked(redis() + LEADING), { code: 0, found: [] });
  const fast =
    ', labels: {redis-orchestrator.io/route: master, redis-orchestrator.io/group: redis}';
  t.same(await checked(redis() + service('ports: [{port: 6379}]', fast)), { code: 0, found: [] });
  t.same(await checked('kind: ConfigMap\n'), { code: 0, found: [] });
});

void test('no Service, or one that leads to replicas as well', async (t) => {
  t.same(await checked(redis()), { code: 3, found: ['no-service'] });
  const blind = service('selector: {app: redis}');
  t.same(await checked(redis() + LEADING + blind), { code: 3, found: ['service-without-role'] });
  const headless = service('clusterIP: None, selector: {app: redis}');
  t.same(await checked(redis() + LEADING + headless), { code: 0, found: [] });
  const other = service('selector: {app: other, redis-role: master}');
  t.same(await checked(redis() + other), { code: 3, found: ['no-service'] });
});

void test('labels that are misspelt, misplaced or missing', async (t) => {
  const namespace = (labels: string): string =>
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {${labels}}}\n---\n`;
  t.same(await checked(namespace('') + redis() + LEADING), {
    code: 4,
    found: ['namespace-unlabelled'],
  });
  t.same(await checked(namespace(`${INJECT}: enabled`) + redis() + LEADING), {
    code: 0,
    found: [],
  });
  t.same(await checked(namespace(`${INJECT}: enable`)), { code: 4, found: ['label-misspelt'] });
  const misplaced = (redis() + LEADING).replace(
    '{name: redis, namespace: shop}',
    `{name: redis, namespace: shop, labels: {${INJECT}: enabled}}`,
  );
  t.same(await checked(misplaced), { code: 3, found: ['label-misplaced'] });
  const misspelt = redis('redis', { labels: `app: redis, ${INJECT}: "yes"` });
  t.same(await checked(misspelt + LEADING), { code: 3, found: ['label-misspelt'] });
});

void test('no false all-clear: kinds that are misspelt, or of another version', async (t) => {
  const group = redis() + LEADING;
  const misspelt: readonly (readonly [string, string, RegExp])[] = [
    ['kind: StatefulSet', 'kind: StatefullSet', /write kind: StatefulSet/],
    ['kind: StatefulSet', 'kind: statefulset', /write kind: StatefulSet/],
    ['apiVersion: apps/v1', 'apiVersion: app/v1', /write apiVersion: apps\/v1/],
    ['apiVersion: apps/v1', 'apiVersion: v1', /write apiVersion: apps\/v1/],
    ['kind: StatefulSet\n', '', /write apiVersion and kind/],
  ];
  for (const [from, to, remedy] of misspelt) {
    const text = group.replace(from, to);
    t.same(await checked(text), { code: 4, found: ['kind-unknown'] }, to);
    const { stdout } = await run(['check', '-f', 'a'], {}, async () => Buffer.from(text));
    t.match(stdout, remedy, to);
  }
  const rollout = group.replace(
    'apps/v1\nkind: StatefulSet',
    'argoproj.io/v1alpha1\nkind: Rollout',
  );
  t.same((await checked(rollout)).found, ['kind-not-read'], 'pods of an operator');
  const others = ['rbac.authorization.k8s.io/v1\nkind: Role', 'v1\nkind: Secret', 'v1\nkind: Node'];
  for (const other of [...others, 'serving.knative.dev/v1\nkind: Service']) {
    t.same(await found(`apiVersion: ${other}\nmetadata: {name: a}\n---\n${group}`), [], other);
  }
});

void test('no false all-clear: labels that are misspelt, an annotation in place of one', async (t) => {
  for (const name of [
    'redis-orchestrator.io/injct',
    'redis-orchestrator/inject',
    'redis-orchestrator.io/port',
  ]) {
    const labels = `app: redis, ${name}: enabled`;
    t.same(await found(redis('redis', { labels }) + LEADING), ['label-unknown'], name);
    const namespace = `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {${name}: enabled}}\n---\n`;
    t.same(await found(namespace), ['label-unknown'], name);
  }
  const annotated = `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {${INJECT}: enabled}}\n`;
  t.same(await found(annotated), ['label-misplaced']);
});

void test('no false all-clear: nothing at all, numbers in quotes, a Redis that is left alone', async (t) => {
  for (const nothing of ['', '# a comment\n', '---\n---\n']) {
    t.same(await checked(nothing), { code: 4, found: ['nothing-here'] }, JSON.stringify(nothing));
  }
  t.same(await found(redis('redis', { spec: 'replicas: "3"' }) + LEADING), ['replicas-no-number']);
  const disabled = redis('redis', { labels: `app: redis, ${INJECT}: disabled` });
  t.same(await checked(disabled + LEADING), { code: 3, found: ['opted-out'] });
  const system = (redis() + LEADING).replaceAll('namespace: shop', 'namespace: kube-system');
  t.same(await checked(system), { code: 3, found: ['namespace-excluded'] });
  const job = redis('load', { kind: 'Job', spec: 'completions: 1' }).replace('apps/v1', 'batch/v1');
  t.same(await checked(job), { code: 3, found: ['job-pod'] });
});

void test('where there is no Redis, it says what it looked at', async (t) => {
  const text = redis().replace('redis:7', 'nginx').replace('app: redis', 'app: web') + LEADING;
  const { stdout } = await run(['check', '-f', 'a'], {}, async () => Buffer.from(text));
  t.equal(stdout, '√ no Redis in these manifests: 2 objects, of which 1 make pods\n');
});

void test('two StatefulSets in one group; others are two groups', async (t) => {
  const labels = 'app: redis, redis-orchestrator.io/group: one';
  const two = redis('a', { labels }) + redis('b', { labels }) + LEADING;
  t.same(await checked(two), { code: 3, found: ['group-shared'] });
  t.same(await checked(redis('a') + redis('b') + LEADING), { code: 0, found: [] });
});

void test('one pod, a Deployment, and what the webhook would say', async (t) => {
  t.same((await checked(redis('redis', { spec: 'replicas: 1' }) + LEADING)).found, ['one-replica']);
  const deployment = redis('redis', { kind: 'Deployment' });
  t.same((await checked(deployment + LEADING)).found, ['no-stateful-set']);
  const cluster = redis().replace(
    'image: redis:7',
    'image: redis:7, args: [--cluster-enabled, "yes"]',
  );
  t.same((await checked(cluster)).found, ['owned-cluster']);
  const literal = redis().replace('image: redis:7', 'image: redis:7, args: [--requirepass, x]');
  t.same((await checked(literal + LEADING)).found, ['literal-password']);
});

void test('for people: a mark, the object, the code and the remedy', async (t) => {
  const read = async () => Buffer.from(redis() + LEADING + service('selector: {app: redis}'));
  const { stdout } = await run(['check', '-f', 'a'], {}, read);
  t.equal(
    stdout,
    `√ group shop/redis: Service shop/db selects the master
‼ Service shop/db: leads to master and replicas alike: writes to a replica fail (READONLY) [service-without-role]
    add redis-role: master, or replica, to its selector
`,
  );
});
