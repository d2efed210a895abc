// Every golden pod through the command line gives what the webhook gives: by itself, in a List, and as the
// template of what owns it.

import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyPatch } from 'rfc6902';
import { test } from 'tap';
import { parse, stringify } from 'yaml';
import { explain } from '../../cli/commands/explain.ts';
import { inject } from '../../cli/commands/inject.ts';
import { uninject } from '../../cli/commands/uninject.ts';
import { type Manifest, parseManifest } from '../../cli/manifest/parse.ts';
import { controllerOf, type Pod } from '../../webhook/core/pod.ts';
import { CORE } from './webhook-fixtures.ts';

type Report = {
  readonly decision: string;
  readonly reason?: { readonly code: string };
  readonly reasons?: readonly { readonly code: string }[];
  readonly warnings?: readonly { readonly code: string }[];
};

const directory = fileURLToPath(new URL('../golden/', import.meta.url));
const names = readdirSync(directory).filter((name) =>
  existsSync(join(directory, name, 'pod.yaml')),
);
const read = (name: string, part: string): string =>
  readFileSync(join(directory, name, part), 'utf8');

function manifestOf(text: string): Manifest {
  const parsed = parseManifest('pod.yaml', text);
  if (!parsed.ok) throw new Error(parsed.errors.join('\n'));
  return parsed.manifest;
}

function patched(name: string): unknown {
  const pod = parse(read(name, 'pod.yaml')) as object;
  const errors = applyPatch(pod, JSON.parse(read(name, 'patch.json')) as []);
  assert.ok(errors.every((error) => error === null));
  return pod;
}

for (const name of names.sort()) {
  void test(name, async (t) => {
    const text = read(name, 'pod.yaml');
    const report = JSON.parse(read(name, 'report.json')) as Report;
    const result = inject(manifestOf(text), CORE, 'shop', false);
    const told = [report.reason, ...(report.reasons ?? []), ...(report.warnings ?? [])];
    for (const { code } of told.flatMap((why) => (typeof why === 'object' ? [why] : []))) {
      t.ok(result.stderr.includes(`[${code}]`), code);
    }
    const explained = explain([manifestOf(text)], CORE, 'shop', true).stdout;
    const [explanation] = JSON.parse(explained) as { decision: string; patch?: unknown }[];
    t.equal(explanation?.decision, report.decision);
    t.same(explanation?.patch ?? [], JSON.parse(read(name, 'patch.json')));
    if (report.decision === 'deny') {
      t.same([result.code, result.stdout], [5, ''], 'refused, and nothing is written');
      return;
    }
    t.same([result.code, parse(result.stdout)], [0, patched(name)], 'as the webhook does');
    if (report.decision === 'skip') t.equal(result.stdout, text);
    const back = uninject(manifestOf(result.stdout), false);
    t.strictSame(parse(back.stdout), parse(text), 'taken back');
    // How an automatic token volume was written is not kept; manifests of people have none.
    const isRemoved = result.stdout !== text && text.includes('kube-api-access');
    if (!isRemoved) t.equal(back.stdout, text, 'taken back to the byte');
    const pods = { kind: 'PodList', apiVersion: 'v1', items: [parse(text)] };
    // `yes` needs quotes there, as it does for kubectl.
    const list = stringify(pods, { version: '1.1' });
    const { items } = parse(inject(manifestOf(list), CORE, 'shop', false).stdout) as {
      items: unknown[];
    };
    t.same(items, [patched(name)], 'in a list');
  });
}

void test('as the template of a StatefulSet a pod gets the same', async (t) => {
  let compared = 0;
  for (const name of names) {
    const pod = parse(read(name, 'pod.yaml')) as Pod;
    const owner = controllerOf(pod);
    const { decision } = JSON.parse(read(name, 'report.json')) as Report;
    if (owner?.kind !== 'StatefulSet' || decision !== 'inject') continue;
    compared++;
    const { kind, apiVersion } = owner;
    const metadata = { name: owner.name };
    const { ownerReferences: _owners, ...rest } = pod.metadata ?? {};
    const template = { metadata: rest, spec: pod.spec };
    const text = JSON.stringify({ apiVersion, kind, metadata, spec: { template } });
    const changed = parse(inject(manifestOf(text), CORE, 'shop', false).stdout) as {
      spec: { template: Pod };
    };
    const expected = patched(name) as Pod;
    t.same(changed.spec.template.spec, expected.spec, name);
    t.same(changed.spec.template.metadata?.labels, expected.metadata?.labels, name);
  }
  t.ok(compared > 10, `${compared} pods`);
});
