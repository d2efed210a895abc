// The documentation is what the code says: its tables are generated, its links lead somewhere.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';
import * as names from '../../src/names.ts';
import { POLICY_OPTIONS } from '../../src/policy.ts';
import { declaredScenarios, scenarioRows } from '../declared.ts';
import { FAULTS } from '../scenarios.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

void test('generating the tables again changes nothing', async (t) => {
  const run = promisify(execFile);
  await t.resolves(run(process.execPath, [join(root, 'scripts/docs.mjs'), '--check']));
});

for (const page of pages) {
  void test(`every link of ${page} to a file leads to one`, (t) => {
    const text = read(page).replaceAll(/```[^]*?```/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    for (const target of targets.filter((each) => !/^[a-z]+:|^#/.test(each))) {
      const path = join(dirname(page), target.replace(/#.*$/, ''));
      t.ok(existsSync(join(root, path)), target);
    }
    t.end();
  });
}

void test('every label and annotation that the pages name exists in the code', (t) => {
  const own = `${names.PREFIX}/`;
  const known = new Set<string>([
    ...Object.values({ ...names, ...names.POD_ANNOTATIONS }).filter(
      (value) => typeof value === 'string',
    ),
    ...Object.values(POLICY_OPTIONS).map(({ flag }) => names.policyAnnotation(flag)),
  ]);
  // Words that stand in names of webhooks, controllers and images.
  const others = new Set([`${own}webhook`, `${own}rules-revision`]);
  // `by-pod.redis-orchestrator.io/decision` is an audit annotation: the API server puts the webhook before it.
  const pattern = new RegExp(`(?<!\\.)${names.PREFIX.replace('.', '\\.')}/[a-z]+(-[a-z]+)*`, 'g');
  for (const page of pages) {
    for (const [found] of read(page).matchAll(pattern)) {
      if (!known.has(found) && !others.has(found)) t.fail(`${page}: ${found}`);
    }
  }
  t.end();
});

void test('every test that a page refers to exists', (t) => {
  for (const page of pages) {
    const found = [...read(page).matchAll(/test\/[a-z]+\/[a-z-]+\.test\.ts/g)];
    for (const [file] of found) t.ok(existsSync(join(root, file)), `${page}: ${file}`);
  }
  t.end();
});

void test('every scenario is shown by a test, or it is said what is missing and why', (t) => {
  for (const { row, fault, tests, elsewhere, missing } of scenarioRows()) {
    const isAccounted = tests.length > 0 || elsewhere.length > 0 || missing !== undefined;
    t.ok(isAccounted, `${row}: ${fault}`);
    for (const { file } of elsewhere) t.ok(existsSync(join(root, file)), file);
  }
  t.end();
});

void test('every scenario test declares rows that exist, under a name of its own', (t) => {
  const declared = declaredScenarios();
  t.ok(declared.length > 50, 'the declarations were found');
  for (const { file, rows, sentence } of declared) {
    for (const row of rows) t.ok(FAULTS[row], `${file}: ${row}`);
    const same = declared.filter((each) => each.file === file && each.sentence === sentence);
    t.equal(same.length, 1, `${file}: ${sentence}`);
  }
  t.end();
});

void test('every test of test/chaos declares its rows, or is a cell of the matrix', (t) => {
  const names = readdirSync(join(root, 'test/chaos')).filter((name) => name.endsWith('.test.ts'));
  for (const name of names.filter((each) => each !== 'matrix.test.ts')) {
    const file = `test/chaos/${name}`;
    const undeclared = read(file).match(/^await t\.test\(/gm) ?? [];
    t.equal(undeclared.length, 0, file);
  }
  t.end();
});
