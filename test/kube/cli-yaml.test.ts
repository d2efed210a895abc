// The command line reads YAML as kubectl does: the same plain scalars, through both. kubectl is the judge: it is what
// the person runs next.

import * as fc from 'fast-check';
import { t as file, test } from 'tap';
import { run } from '../../cli/run.ts';
import { parseManifest } from '../../cli/manifest/parse.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { Workspace } from '../harness/workspace.ts';
import { kubectl } from './webhook-setup.ts';

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace);

/** kubectl must know where a kind belongs, and hands on fields of it that nobody knows. */
function manifest(scalars: readonly string[]): string {
  const lines = scalars.map((text) => `  - ${text}\n`).join('');
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nlist:\n${lines}`;
}

type Listed = { readonly list: readonly unknown[] };

function byKubectl(scalars: readonly string[]): readonly unknown[] {
  const args = ['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', '-'];
  const text = kubectl(controlPlane, args, manifest(scalars));
  return (JSON.parse(text) as Listed).list;
}

function byUs(scalars: readonly string[]): readonly unknown[] {
  const parsed = parseManifest('x', manifest(scalars));
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'));
  return (parsed.manifest.values[0] as Listed).list;
}

const WORDS = ['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', 'inf', 'nan'];
const cased = WORDS.flatMap((word) => [
  word,
  word.toUpperCase(),
  `${word.charAt(0).toUpperCase()}${word.slice(1)}`,
  `${word.charAt(0)}${word.slice(1).toUpperCase()}`,
]);
const NAMED = [
  cased.filter((word) => !/inf|nan/i.test(word)).join(','),
  '0400,0644,0o17,0O17,08,089,00,0,-0,+0400,-017,0x1F,0XFF,0b101,-0b11,0B1,1_000,0_7,_1,1_,1e3',
  '1E+3,.5,-.5,5.,1.5,1.,+.5,12:30,190:20:30,1:2.5,2001-01-01,2001-12-14T21:59:43Z,1.2.3,~,""',
  `'',"yes",'0400',100m,1Gi,+,.,..,-a,+a,7.2-alpine,0x,0o8,1e,.e3,0.1e-2,9007199254740991`,
  '!!str 0400,!!str yes,a_b',
].flatMap((line) => line.split(','));

void test('named ones: booleans of YAML 1.1, octal numbers, times, versions', (t) => {
  const [theirs, ours] = [byKubectl(NAMED), byUs(NAMED)];
  NAMED.forEach((text, at) => t.strictSame(ours[at], theirs[at], text));
  t.end();
});

void test('random ones', (t) => {
  const unit = fc.constantFrom(...'0123456789abefoxEXB+-._:yn'.split(''));
  const scalar = fc
    .string({ unit, minLength: 1, maxLength: 7 })
    // Neither a list nor a map, nor more digits than a number of JavaScript has.
    .filter((text) => !/:$|^-$|^:|^[-_.\d]{16}/.test(text) && !text.startsWith('---'));
  const scalars = fc.sample(scalar, { numRuns: 3000, seed: 20_261_130 });
  const [theirs, ours] = [byKubectl(scalars), byUs(scalars)];
  const differing = scalars.filter((_, at) => ours[at] !== theirs[at]);
  t.same(differing, [], `${scalars.length} scalars`);
  t.ok(theirs.filter((value) => typeof value === 'number').length > 300, 'many are numbers');
  t.end();
});

void test('what kubectl refuses for its YAML 1.1, we refuse', async (t) => {
  const pod = (rest: string): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: redis-0, ${rest}\nspec:\n  containers: [{name: redis, image: redis}]\n`;
  for (const rest of ['labels: {a: yes}}', 'annotations: {a: on}}', 'labels: {a: 0400}}']) {
    t.throws(
      () => kubectl(controlPlane, ['create', '--dry-run=client', '-f', '-'], pod(rest)),
      rest,
    );
    const { code, stderr } = await run(['inject', '-f', 'a'], {}, async () =>
      Buffer.from(pod(rest)),
    );
    t.equal(code, 1, rest);
    t.match(stderr, /is no text/);
  }
});

void test('the mode of a Secret is octal: the agent gets a copy that it can read', async (t) => {
  const text = (mode: string): string => `apiVersion: v1
kind: Pod
metadata: {name: redis-0}
spec:
  containers:
    - name: redis
      image: redis
      args: [--requirepass, $(cat /auth/password), --port, "0", --tls-port, "6379", --tls-cert-file, /tls/a]
      volumeMounts: [{name: tls, mountPath: /tls}]
  volumes:
    - {name: tls, secret: {secretName: tls, defaultMode: ${mode}}}
`;
  const copied = async (mode: string): Promise<boolean> => {
    const { stdout } = await run(['inject', '-f', 'a'], {}, async () => Buffer.from(text(mode)));
    return stdout.includes('redis-orchestrator-tls');
  };
  t.equal(await copied('0400'), true, 'only root may read it');
  t.equal(await copied('0444'), false, 'everybody may');
  t.equal(await copied('256'), true, 'the same in decimal');
});
