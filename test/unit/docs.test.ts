// The documentation is what the code says: its tables are generated, its links lead somewhere.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';
import * as names from '../../src/names.ts';

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
  const known = new Set<string>(
    Object.values({ ...names, ...names.POD_ANNOTATIONS }).filter(
      (value) => typeof value === 'string',
    ),
  );
  // Words that stand in names of webhooks, controllers and images.
  const others = new Set([`${own}webhook`, `${own}rules-revision`]);
  const pattern = new RegExp(`${names.PREFIX.replace('.', '\\.')}/[a-z]+(-[a-z]+)*`, 'g');
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
