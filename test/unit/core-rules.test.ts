// docs/core-rules.md names a place in the core and a test for each rule: both exist.

import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rows = read('docs/core-rules.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| rule |'))
  .map((line) => line.slice(2, -2).split(' | '));

await t.test('every rule of the core has a place that exists', (t) => {
  t.ok(rows.length > 100, 'the table was found');
  for (const [rule, place] of rows) {
    const [, file = '', name = ''] = place?.match(/^`([a-z-]+\.ts)` (\w+)$/) ?? [];
    const path = `agent/core/${file}`;
    const isThere = file !== '' && existsSync(new URL(`../../${path}`, import.meta.url));
    const pattern = new RegExp(`(function|const|async|^ {2}) ?${name}\\b`, 'm');
    t.ok(isThere && pattern.test(read(path)), `${rule}: ${place}`);
  }
  t.end();
});

await t.test('every rule of the core has a test of that name', (t) => {
  for (const [rule, , test = ''] of rows) {
    const [file = ''] = test.split(': ');
    const name = test.slice(file.length + 2);
    const source = read(`test/unit/${file}.test.ts`);
    const isThere = [`'${name}',`, `"${name}",`].some((each) => source.includes(each));
    t.ok(isThere, `${rule}: ${test}`);
  }
  t.end();
});
