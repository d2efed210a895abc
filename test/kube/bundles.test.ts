// Each program as it is shipped: on a Node that is too old it says which one it needs, instead of a stack.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { REPOSITORY } from '../harness/programs.ts';

const BUNDLES = {
  agent: ['21.9.0', '22.18.9', '22.19.0'],
  webhook: ['20.20.2', '22.18.9', '22.19.0'],
  'redis-orchestrator': ['18.20.4', '19.9.0', '20.0.0'],
} as const;

/** Node as if it were of this version, before the program's first line. */
function asNode(version: string, bundle: string) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });
Object.defineProperty(process, 'version', { value: 'v${version}' });`;
  const url = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return spawnSync(process.execPath, ['--import', url, bundle, '--help'], { encoding: 'utf8' });
}

for (const [name, [older, old, enough]] of Object.entries(BUNDLES)) {
  const bundle = join(REPOSITORY, 'dist', `${name}.mjs`);
  void test(`${name}: an older Node is told which one is needed`, async (t) => {
    for (const version of [older, old]) {
      const { status, stdout, stderr } = asNode(version, bundle);
      t.same([status, stdout], [1, ''], version);
      t.match(
        stderr,
        new RegExp(`needs Node \\d+\\.\\d+ or newer, and this is v${version}\\. Remedy: `),
      );
      t.equal(stderr.trimEnd().split('\n').length, 1, 'one line, no stack');
    }
    const { status, stdout } = asNode(enough, bundle);
    t.same([status, stdout.startsWith('redis-orchestrator')], [0, true], enough);
  });

  void test(`${name}: no name is looked up before that`, async (t) => {
    const text = readFileSync(bundle, 'utf8');
    const imports = text.match(/^import\b.*?;/gm) ?? [];
    t.same(
      imports.map((line) => /from '(.+)'/.exec(line)?.[1]),
      ['node:module'],
    );
    t.notMatch(text, /[;}]import *(?:\{[^}]*\}|\*|\w+) *(?:as \w+ *)?from *"/);
  });
}
