// The program from its words to what it says: usage, exit codes, bad input, and differences that apply.

import { execFile } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { test } from 'tap';
import { COMMANDS } from '../../cli/help.ts';
import { run } from '../../cli/run.ts';
import type { OptionSpec } from '../../src/options.ts';
import { unifiedDiff } from '../../cli/unified-diff.ts';

const PLAIN = fileURLToPath(new URL('../../manifests/examples/plain-redis.yaml', import.meta.url));
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

const REDIS =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: redis-0}\nspec:\n  containers:\n    - name: redis\n      image: redis:7\n';

async function told(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
  return await run(args, {}, async (name) => {
    const text = files[name];
    if (text === undefined) throw new Error('no such file');
    return Buffer.from(text, name === 'latin1.yaml' ? 'latin1' : 'utf8');
  });
}

void test('a wrong command line ends with 2, says why and how, and writes nothing', async (t) => {
  const wrong = [
    ['injekt'],
    ['inject'],
    ['inject', '-f'],
    ['inject', 'redis.yaml'],
    ['inject', '-f', 'a', '-f', 'b'],
    ['inject', '-f', 'a', '--native-sidecar', 'auto'],
    ['inject', '-f', 'a', '--selector', 'x'],
    ['explain', '-f', 'a', '-o', 'xml'],
    ['uninject', '-f', 'a', '--agent-image', 'x'],
    ['inject', '-f', 'a', '--agent-image='],
    ['inject', '-f', 'a', '--agent-cpu-limit', 'lots'],
    ['inject', '-f', 'a', '--agent-cpu-request=2', '--agent-cpu-limit=500m'],
  ];
  for (const args of wrong) {
    const { code, stdout, stderr } = await told(args, { a: REDIS, b: REDIS });
    t.same([code, stdout], [2, ''], args.join(' '));
    t.match(stderr, /Remedy: /, args.join(' '));
    t.notMatch(stderr, / or \./, 'no sentence has a hole');
  }
});

void test('one mistake is one sentence, about the flag that it is', async (t) => {
  for (const [args, message] of [
    [['inject', '--agent-image', '-f', 'a'], /^--agent-image: has no value\. Remedy: [^\n]+$/],
    [['inject', '-f', 'a', '-o', 'json'], /^--output: unknown argument\. Remedy: [^\n]+$/],
    [['check', '-f', 'a', '-o'], /^--output: has no value\. Remedy: [^\n]+$/],
    [['inject', '-f', 'a', '--agent-memory-limit=192MB'], /^--agent-memory-limit: "192MB" [^\n]+$/],
  ] as const) {
    const { code, stderr } = await told(args, { a: REDIS });
    t.equal(code, 2);
    t.match(stderr.trimEnd(), message);
  }
});

void test('the bare program shows what there is, and ends as a wrong command line does', async (t) => {
  const { code, stdout, stderr } = await told([]);
  t.same([code, stdout], [2, '']);
  t.equal(stderr, (await told(['--help'])).stdout);
});

void test('a template of Helm is told as one, with where it stands', async (t) => {
  const image = REDIS.replace('redis:7', '"{{ .Values.image }}"');
  const templates: Record<string, readonly [string, RegExp]> = {
    plain: [REDIS.replace('redis:7', '{{ .Values.image }}'), /^plain:7:14: this is a template/],
    block: [`{{- if .Values.on }}\n${REDIS}{{- end }}\n`, /^block:1:1: this is a template/],
    quoted: [image, /\{\{ \.Values\.image \}\} is a template/],
  };
  for (const [name, [text, message]] of Object.entries(templates)) {
    for (const command of ['inject', 'explain', 'check']) {
      const { code, stdout, stderr } = await told([command, '-f', name], { [name]: text });
      t.same([code, stdout], [1, ''], `${command} ${name}`);
      t.match(stderr, message);
      t.match(stderr, /Remedy: render it first: helm template /);
      t.equal(stderr.trimEnd().split('\n').length, 1);
    }
  }
  const rules = `kind: ConfigMap\ndata: {rule: "{{ $value }}"}\n---\n${REDIS}`;
  t.equal((await told(['inject', '-f', 'a'], { a: rules })).code, 0, 'in data it is a text');
});

void test('inject tells what the pods need beside it, unless the input has it', async (t) => {
  const note = /note: the pods need service account (\S+) .* namespace shop/;
  const call = async (text: string): Promise<string> =>
    (await told(['inject', '-n', 'shop', '-f', 'a'], { a: text })).stderr;
  t.match(await call(REDIS), note);
  const own = REDIS.replace('spec:\n', 'spec:\n  serviceAccountName: mine\n');
  t.match(await call(own), /service account mine/);
  const namespace = (label: string): string =>
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {redis-orchestrator.io/inject: ${label}}}\n---\n`;
  t.notMatch(await call(namespace('enabled') + REDIS), note);
  t.match(await call(namespace('disabled') + REDIS), note);
  t.notMatch(await call(REDIS.replace('redis:7', 'nginx')), note);
});

void test('a Deployment is injected, and inject says what it lacks', async (t) => {
  const text = REDIS.replace('v1\nkind: Pod', 'apps/v1\nkind: Deployment').replace(
    'spec:\n  containers:\n    - name: redis\n      image: redis:7',
    'spec:\n  replicas: 2\n  template:\n    spec:\n      containers: [{name: redis, image: redis}]',
  );
  const { code, stdout, stderr } = await told(['inject', '-f', 'a'], { a: text });
  t.equal(code, 0);
  t.match(stdout, /redis-orchestrator-token/);
  t.match(stderr, /warning: the pods of a Deployment .* use a StatefulSet .*\[no-stateful-set\]/);
});

void test('input that cannot be read ends with 1, names file and line, and writes nothing', async (t) => {
  const good = `${REDIS}---\n`;
  const bad: Record<string, readonly [string, RegExp]> = {
    'missing.yaml': ['', /^missing\.yaml: cannot be read: .*Remedy/],
    'broken.yaml': [`${good}a: [1\n`, /^broken\.yaml:10:1: this is no valid YAML: .*Remedy/],
    'twice.yaml': [`${good}a: 1\na: 2\n`, /^twice\.yaml:10:1: .*unique.*Remedy/],
    'tab.yaml': [`${good}a:\n\t- x\n`, /^tab\.yaml:10:1: .*Tabs.*Remedy/],
    'alias.yaml': [`${good}a: *x\n`, /^alias\.yaml:9:4: .*alias.*Remedy/],
    'latin1.yaml': ['a: é\n', /^latin1\.yaml: is no UTF-8.*Remedy/],
    'number.yaml': [
      REDIS.replace('name: redis\n', 'name: redis\n      args: [--port, 6380]\n'),
      /^number\.yaml: document 1, Pod redis-0: spec\.containers\[0\]\.args\[1\]: a number is no text\. Remedy/,
    ],
  };
  for (const [name, [text, message]] of Object.entries(bad)) {
    for (const command of ['inject', 'uninject', 'explain', 'check']) {
      const files: Record<string, string> = name === 'missing.yaml' ? {} : { [name]: text };
      const { code, stdout, stderr } = await told([command, '-f', name], files);
      t.same([code, stdout], [1, ''], `${command} ${name}`);
      t.match(stderr, message);
      t.ok(stderr.trimEnd().split('\n').length <= 3, 'short');
    }
  }
});

void test('what Kubernetes would not take is told by its place, and nothing is written', async (t) => {
  const odd = [
    ['metadata: {name: redis-0}', 'metadata: []', 'metadata: [] is no map'],
    ['{name: redis-0}', '{labels: [a]}', 'metadata.labels: ["a"] is no map'],
    ['{name: redis-0}', '{labels: {a: 1}}', 'metadata.labels.a: 1 is no text'],
    ['spec:\n', 'spec:\n  volumes: [x]\n', 'spec.volumes[0]: "x" is no map'],
    ['spec:\n', 'spec:\n  initContainers: x\n', 'spec.initContainers: "x" is no list'],
    ['image: redis:7', 'lifecycle: x', 'spec.containers[0].lifecycle: "x" is no map'],
    ['image: redis:7', 'env: [{name: A, value: 1}]', 'env[0].value: a number is no text'],
    ['image: redis:7', 'args: --requirepass hunter2', 'args: a string is no list'],
    ['- name: redis\n      image: redis:7', '- redis', 'spec.containers[0]: "redis" is no map'],
    ['image: redis:7', 'ports: [{containerPort: "6379"}]', 'containerPort: "6379" is no valid'],
    ['image: redis:7', 'ports: [{containerPort: -1}]', 'ports[0].containerPort: -1 is no valid'],
    ['image: redis:7', 'ports: [{containerPort: 65536}]', 'write a whole number from 1 to 65535'],
    ['- name: redis\n      image: redis:7', '', 'spec.containers: no container is there'],
  ] as const;
  for (const [from, to, message] of odd) {
    for (const command of ['inject', 'check']) {
      const { code, stdout, stderr } = await told([command, '-f', 'a'], {
        a: REDIS.replace(from, to),
      });
      t.same([code, stdout], [1, ''], message);
      t.ok(stderr.includes(message), stderr);
      t.match(stderr, /Remedy: write|Remedy: put/);
    }
  }
  const template = REDIS.replace('v1\nkind: Pod', 'apps/v1\nkind: StatefulSet').replace(
    'spec:\n  containers:\n    - name: redis\n      image: redis:7',
    'spec: {template: {spec: {containers: x}}}',
  );
  const { stderr } = await told(['inject', '-f', 'a'], { a: template });
  t.match(stderr, /: spec\.template\.spec\.containers: "x" is no list/);
});

void test('a pod that asks for what cannot be done is refused with 5, and nothing is written', async (t) => {
  const annotated = REDIS.replace(
    '{name: redis-0}',
    '{name: redis-0, annotations: {redis-orchestrator.io/port: "x"}}',
  );
  const { code, stdout, stderr } = await told(['inject', '-f', 'a'], {
    a: `${REDIS}---\n${annotated}`,
  });
  t.same([code, stdout], [5, '']);
  t.match(stderr, /Pod redis-0: refused: .*\[annotation-invalid\]/);
});

void test('the flags of the webhook mean the same', async (t) => {
  const args = ['inject', '-f=a', '--agent-image', 'mine:1', '--native-sidecar=false'];
  const { stdout } = await told([...args, '--agent-cpu-limit=500m'], { a: REDIS });
  t.match(stdout, /image: "mine:1"/);
  t.match(stdout, /cpu: "500m"/);
  t.notMatch(stdout, /initContainers/);
  const excluded = await told(['inject', '-f', 'a', '-n', 'kube-system'], { a: REDIS });
  t.equal(excluded.stdout, REDIS);
  t.match(excluded.stderr, /\[namespace-excluded\]/);
});

void test('every command has help with examples, and lists all of its flags', async (t) => {
  t.match(
    (await told(['--help'])).stdout,
    /status[^]*switchover[^]*explain[^]*check[^]*inject[^]*uninject/,
  );
  t.match((await told(['--version'])).stdout, /^\d+\.\d+\.\d+/);
  for (const [name, { options }] of Object.entries(COMMANDS)) {
    const { code, stdout } = await told([name, '--help']);
    t.equal(code, 0);
    t.match(stdout, /Examples:\n {2}redis-orchestrator /);
    for (const { flag } of Object.values<OptionSpec>(options))
      t.ok(stdout.includes(`--${flag} `), flag);
    t.same((await told(['help', name])).stdout, stdout);
  }
});

void test('the program reads a pipe and ends with the right code', async (t) => {
  const call = async (args: readonly string[], input: string) =>
    await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      const child = execFile(process.execPath, [MAIN, ...args], (error, stdout) =>
        resolve({ code: error?.code ?? 0, stdout }),
      );
      child.stdin?.end(input);
    });
  const injected = await call(['inject', '-f', PLAIN], '');
  t.match(injected, { code: 0, stdout: /- "--replicaof"/ });
  const back = await call(['uninject', '-f', '-'], injected.stdout);
  t.match(back, { code: 0, stdout: /^# A plain Redis of three pods/ });
  t.match(await call(['inject', '-f', '-'], 'a: [1'), { code: 1, stdout: /^$/ });
});

void test('the examples of the help run as they stand', async (t) => {
  const directory = t.testdir({
    'redis-orchestrator': `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`,
    'redis.yaml': readFileSync(PLAIN),
    'injected.yaml': (await told(['inject', '-f', 'a'], { a: REDIS })).stdout,
    'namespace.yaml':
      'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\n  labels: {redis-orchestrator.io/inject: enabled}\n',
  });
  const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
  chmodSync(`${directory}/redis-orchestrator`, 0o755);
  for (const { examples } of Object.values(COMMANDS)) {
    // The others need a cluster: test/kube/command-line.test.ts runs them.
    for (const example of examples.filter((each) => /-f |completion/.test(each))) {
      const script = `redis-orchestrator ${example}`;
      const code = await new Promise<unknown>((resolve) => {
        execFile('sh', ['-c', script], { cwd: directory, env }, (error) =>
          resolve(error?.code ?? 0),
        );
      });
      t.equal(code, 0, example);
    }
  }
});

/** Applies a unified difference, checking every line that it names. */
function applied(before: string, diff: string): string {
  const old = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const result: string[] = [];
  let at = 0;
  for (const hunk of diff.split(/^(?=@@)/m).slice(1)) {
    const [, start = '', size = ''] = /^@@ -(\d+),(\d+) /.exec(hunk) ?? [];
    const from = Number(start) - (size === '0' ? 0 : 1);
    result.push(...old.slice(at, from));
    at = from;
    const lines = hunk
      .split(/(?<=\n)/)
      .flatMap((line, index, all) =>
        line.startsWith('\\')
          ? []
          : [all[index + 1]?.startsWith('\\') === true ? line.slice(0, -1) : line],
      );
    for (const line of lines.slice(1)) {
      if (line.startsWith('+')) result.push(line.slice(1));
      else {
        if (old[at] !== line.slice(1)) throw new Error(`line ${at + 1}`);
        if (line.startsWith(' ')) result.push(line.slice(1));
        at++;
      }
    }
  }
  return [...result, ...old.slice(at)].join('');
}

void test('a difference applies, whatever the texts are', async (t) => {
  const line = fc.constantFrom('a', 'b', 'c', '', ' ');
  const text = fc.tuple(fc.array(line, { maxLength: 30 }), fc.boolean()).map(([lines, isEnded]) =>
    lines
      .map((each) => `${each}\n`)
      .join('')
      .slice(0, isEnded ? undefined : -1),
  );
  fc.assert(
    fc.property(text, text, (before, after) => {
      for (const edits of [[], [{ start: 0, end: before.length, text: after }]]) {
        const diff = unifiedDiff('x', before, after, edits);
        if (applied(before, diff) !== after) throw new Error('differs');
      }
    }),
    { numRuns: 2000, seed: 20_261_128 },
  );
  const { stdout } = await told(['inject', '-f', 'redis.yaml', '--diff'], { 'redis.yaml': REDIS });
  const whole = await told(['inject', '-f', 'redis.yaml'], { 'redis.yaml': REDIS });
  t.equal(applied(REDIS, stdout), whole.stdout);
});

void test('slips of the command line are told with the right word', async (t) => {
  const says = async (args: string[], message: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await told(args, {});
    t.same([code, stdout], [2, ''], args.join(' '));
    t.match(stderr, message);
  };
  await says(['-v'], /^-v: unknown command\. Remedy: write --version\.$/m);
  await says(['inject', '--file', 'a'], /^--file: unknown argument\. Remedy: write inject -f FILE/);
  await says(['inject', '--file=a'], /^--file=a: unknown argument\. Remedy: write inject -f FILE/);
});

void test('a directory and a URL are no files, and each has another remedy', async (t) => {
  const folder = async (): Promise<never> => {
    throw Object.assign(new Error('EISDIR: illegal operation on a directory'), { code: 'EISDIR' });
  };
  const dir = await run(['inject', '-f', 'manifests'], {}, folder);
  t.same([dir.code, dir.stdout], [1, '']);
  t.match(dir.stderr, /^manifests: is a directory\. Remedy: .*kubectl kustomize manifests \|/);
  const url = await run(['check', '-f', 'https://example.com/a.yaml'], {}, folder);
  t.match(
    url.stderr,
    /^https:.* is a URL, and files alone are read\. Remedy: fetch it first: curl/,
  );
});

void test('an input in which nothing stands is told, and goes through', async (t) => {
  for (const text of ['', '\n', '---\n# nothing\n']) {
    for (const command of ['inject', 'uninject']) {
      const { code, stdout, stderr } = await told([command, '-f', 'a'], { a: text });
      t.same([code, stdout], [0, text], command);
      t.match(stderr, /^a: there is no object in it\. Remedy/);
    }
    const { code, stdout, stderr } = await told(['explain', '-f', 'a'], { a: text });
    t.same([code, stdout], [0, '']);
    t.match(stderr, /^a: there is no object in it\. Remedy/);
  }
});
