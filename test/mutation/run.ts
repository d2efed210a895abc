// Stryker over the agent's core, one file after another, so that a run that is stopped keeps what it has:
// `npm run mutation`, or `npm run mutation -- lineage goal`. Prints the table of docs/mutation.md.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const STRYKER = join(import.meta.dirname, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const REPORTS = join(ROOT, '.stryker-report');
const CACHE = join(ROOT, '.stryker-cache');

type Report = { files: Record<string, { mutants: { status: string }[] }> };

/** Test files that docs/core-rules.md names for this file of the core, the most named first. */
function testsOf(file: string): string[] {
  const counts = new Map([[`core-${file}.test.ts`, 1]]);
  const rules = readFileSync(join(ROOT, 'docs/core-rules.md'), 'utf8');
  for (const [, place, test] of rules.matchAll(/\| `([a-z-]+)\.ts` \w+ \| ([a-z-]+): /g)) {
    if (place !== file) continue;
    counts.set(`${test}.test.ts`, (counts.get(`${test}.test.ts`) ?? 0) + 1);
  }
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
}

function mutate(file: string, concurrency: string): void {
  const config = join(import.meta.dirname, 'stryker.json');
  const options = ['--concurrency', concurrency, '--mutate', `agent/core/${file}.ts`];
  const env = {
    ...process.env,
    RO_MUTATION_FIRST: testsOf(file).join(','),
    // Else a test file goes on after its first failure.
    TAP_BAIL: '1',
    // Most of a start is the compilation of what is the same for every mutant.
    NODE_COMPILE_CACHE: CACHE,
  };
  const result = spawnSync(process.execPath, [STRYKER, 'run', config, ...options], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  });
  rmSync(CACHE, { recursive: true, force: true });
  if (result.status !== 0) throw new Error(`Stryker ended with ${result.status} at ${file}`);
  renameSync(join(REPORTS, 'mutation.json'), join(REPORTS, `${file}.json`));
}

function row(name: string, statuses: readonly string[]): string {
  const count = (...of: string[]): number => statuses.filter((each) => of.includes(each)).length;
  const killed = count('Killed', 'Timeout');
  const survived = count('Survived');
  const uncovered = count('NoCoverage');
  const valid = killed + survived + uncovered;
  const score = valid === 0 ? '–' : `${((100 * killed) / valid).toFixed(1)} %`;
  return `| ${name} | ${valid} | ${killed} | ${survived} | ${uncovered} | ${score} |`;
}

function printTable(files: readonly string[]): void {
  const statuses = (file: string): string[] => {
    const { files } = JSON.parse(readFileSync(join(REPORTS, `${file}.json`), 'utf8')) as Report;
    return Object.values(files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
  };
  const measured = files.filter((file) => existsSync(join(REPORTS, `${file}.json`)));
  const lines = [
    '| file | mutants | killed | survived | not reached | score |',
    '|---|---|---|---|---|---|',
    ...measured.map((file) => row(`\`${file}.ts\``, statuses(file))),
    row('**all**', measured.flatMap(statuses)),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const all = readdirSync(join(ROOT, 'agent/core')).map((name) => name.replace(/\.ts$/, ''));
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '1' },
    table: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`no such file in agent/core: ${unknown.join(', ')}`);
if (!values.table) {
  for (const file of positionals.length > 0 ? positionals : all) mutate(file, values.concurrency);
}
printTable(all);
