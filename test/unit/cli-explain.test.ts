// explain tells what the webhook would do, by which rule, and what would be added.

import { test } from 'tap';
import { run } from '../../cli/run.ts';

function workload(container: string, labels = 'app: redis'): string {
  return `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, namespace: shop}
spec:
  template:
    metadata: {labels: {${labels}}}
    spec:
      containers:
        - ${container}
`;
}

const PLAIN = workload('{name: redis, image: redis:7}');

function namespace(labels: string): string {
  return `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {${labels}}}\n---\n`;
}

async function explained(text: string, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(['explain', '-f', 'a', ...flags], {}, async () =>
    Buffer.from(text),
  );
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

void test('a plain Redis: the rule, the facts and all that is added', async (t) => {
  const text = await explained(PLAIN, '--agent-image', 'agent:1');
  t.equal(
    text,
    `StatefulSet shop/cache: would be injected, if namespace shop has the label redis-orchestrator.io/inject=enabled
  Redis     container redis, by its image
            port 6379, no TLS, password: none
  group     cache
  adds      container redis-orchestrator (agent:1), a native sidecar, port 8080
            volume redis-orchestrator-token, for the agent alone
            boot fence, arguments of redis: redis-server --replicaof 127.0.0.1 1 --replica-read-only yes
            preStop hook of redis: asks the agent first
            service account redis-orchestrator in place of default
            automountServiceAccountToken: false for the other containers
            label redis-orchestrator.io/group=cache
`,
  );
});

void test('each rule that tells the container is named', async (t) => {
  const enabled = 'redis-orchestrator.io/inject: enabled';
  const rules = [
    [workload('{name: a, image: "corp/x", command: [redis-server]}'), 'by its command'],
    [
      workload('{name: a, image: "corp/x", ports: [{containerPort: 6379}]}', enabled),
      'by its port',
    ],
    [
      PLAIN.replace('{labels:', '{annotations: {redis-orchestrator.io/container: redis}, labels:'),
      'by the annotation',
    ],
  ] as const;
  for (const [text, told] of rules) t.match(await explained(text), told);
});

void test('weaknesses, skips and refusals stand there with their codes', async (t) => {
  t.match(
    await explained(workload('{name: redis, image: redis:7, args: [--requirepass, hunter2]}')),
    / {2}! the password is written in the arguments; put it into a Secret \[literal-password\]/,
  );
  t.match(
    await explained(workload('{name: redis, image: redis:7, args: [--cluster-enabled, "yes"]}')),
    /would be left alone: .*\[owned-cluster\]/,
  );
  const annotated = PLAIN.replace(
    '{labels:',
    '{annotations: {redis-orchestrator.io/port: x}, labels:',
  );
  t.match(await explained(annotated), /would be refused: .*\[annotation-invalid\]/);
  t.equal(await explained('a: 1\n'), 'nothing here is a pod or makes pods\n');
});

void test('a secret that stands in the arguments is not told', async (t) => {
  const text = workload('{name: redis, image: redis:7, args: [--requirepass, hunter2]}');
  t.notMatch(await explained(text), /hunter2/);
});

void test('the label of the namespace counts where it is in the input; that of the pod wins', async (t) => {
  const enabled = 'redis-orchestrator.io/inject: enabled';
  t.match(await explained(namespace(enabled) + PLAIN), /cache: would be injected\n/);
  t.match(await explained(namespace('') + PLAIN), /left alone: .*\[namespace-unlabelled\]/);
  t.match(
    await explained(namespace('redis-orchestrator.io/inject: "true"') + PLAIN),
    /left alone: .*\[label-misspelt\]/,
  );
  const opted = workload('{name: redis, image: redis:7}', enabled);
  t.match(await explained(namespace('') + opted), /cache: would be injected\n/);
  const misspelt = workload(
    '{name: redis, image: redis:7}',
    'redis-orchestrator.io/inject: enable',
  );
  t.match(await explained(misspelt), /would be injected, if namespace shop has the label/);
});

void test('as JSON with the patch that the API server would get', async (t) => {
  const [one] = JSON.parse(await explained(PLAIN, '-o', 'json')) as Record<string, unknown>[];
  t.match(one, {
    file: 'a',
    document: 1,
    kind: 'StatefulSet',
    namespace: 'shop',
    name: 'cache',
    decision: 'inject',
    container: 'redis',
    rule: 'image',
    status: { group: 'cache', port: 6379 },
  });
  t.ok(Array.isArray(one?.['patch']));
});
