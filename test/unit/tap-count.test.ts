// The totals of scripts/test are what CI believes: held here against TAP as tap writes it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const SCRIPT = fileURLToPath(new URL('../../scripts/lib/tap-count.mjs', import.meta.url));

/** Prints passed, failed, skipped. */
function counted(folder: string, lines: readonly string[]): string {
  const counts = join(folder, 'counts');
  const input = lines.map((line) => `${line}\n`).join('');
  const { status, stderr } = spawnSync(
    process.execPath,
    [SCRIPT, join(folder, 'copy.tap'), counts],
    { input, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return readFileSync(counts, 'utf8').trim();
}

/** A file's output as it stands in the run's. */
function file(isOk: boolean, body: readonly string[]): string[] {
  const inside = body.map((line) => `    ${line}`);
  return ['# Subtest: a.test.ts', ...inside, `${isOk ? '' : 'not '}ok 1 - a.test.ts # time=2s`];
}

const PASSING = ['# Subtest: one', '    ok 1 - fine', '    ok 2 - fine', '    1..2', 'ok 1 - one'];

await t.test('counts innermost tests, not their assertions', async (t) => {
  t.equal(counted(t.testdir(), ['1..1', ...file(true, PASSING)]), '1 0 0');
});

await t.test('counts a failing test once, not its file and its assertions too', async (t) => {
  const failing = ['# Subtest: two', '    not ok 1 - bad', '    not ok 2 - bad', 'not ok 2 - two'];
  t.equal(counted(t.testdir(), ['1..1', ...file(false, [...PASSING, ...failing])]), '1 1 0');
});

await t.test('counts a file that crashes or runs out of time as failed', async (t) => {
  t.equal(counted(t.testdir(), ['1..1', ...file(false, ['1..0 # no tests found'])]), '0 1 0');
  t.equal(
    counted(t.testdir(), ['1..1', ...file(false, [...PASSING, 'not ok 2 - crash'])]),
    '1 1 0',
  );
});

await t.test('counts what is skipped apart', async (t) => {
  const skipping = [...PASSING, 'ok 2 - two # SKIP no machine for it', 'not ok 3 - x # TODO later'];
  t.equal(counted(t.testdir(), ['1..1', ...file(true, skipping)]), '1 0 2');
});

await t.test('does not take the details of a failure for tests', async (t) => {
  const failing = ['not ok 1 - bad', '  ---', '  diff: |', '    ok 1 - no test', '  ...'];
  t.equal(counted(t.testdir(), ['1..1', ...file(false, failing)]), '0 1 0');
});

await t.test('counts an output that ends in the middle, or is none, as failed', async (t) => {
  t.equal(counted(t.testdir(), ['1..2', '# Subtest: a.test.ts', '    ok 1 - fine']), '0 1 0');
  t.equal(counted(t.testdir(), ['TAP version 14']), '0 1 0');
  t.equal(counted(t.testdir(), []), '0 1 0');
});
