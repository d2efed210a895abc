// Stryker over the agent's core, one file after another, so that a run that is stopped keeps what it has:
// `npm run mutation`, or `npm run mutation -- lineage goal`. Prints the table of docs/mutation.md. With --again
// only what survived before is tried: more tests kill more, and never less.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const STRYKER = join(import.meta.dirname, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const REPORTS = join(ROOT, '.stryker-report');
const CACHE = join(ROOT, '.stryker-cache');

type Place = { readonly line: number; readonly column: number };
type Mutant = {
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: Place; readonly end: Place };
  status: string;
};
type Report = { readonly files: Readonly<Record<string, { readonly mutants: Mutant[] }>> };

const reportPath = (file: string): string => join(REPORTS, `${file}.json`);
const readReport = (path: string): Report => JSON.parse(readFileSync(path, 'utf8')) as Report;
const mutantsOf = ({ files }: Report): Mutant[] =>
  Object.values(files).flatMap(({ mutants }) => mutants);
/** A timeout may be that of a busy machine. */
const isDoubtful = ({ status }: Mutant): boolean =>
  ['Survived', 'NoCoverage', 'Timeout'].includes(status);
const nameOf = ({ mutatorName, replacement, location }: Mutant): string =>
  JSON.stringify([mutatorName, replacement, location]);

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

/** The whole file, or the places of what survived in it before. */
function placesIn(file: string, before: Report | null): string[] {
  const path = `agent/core/${file}.ts`;
  if (before === null) return [path];
  return mutantsOf(before)
    .filter(isDoubtful)
    .map(({ location: { start, end } }) => {
      // Its columns begin at 0 there, and what touches the edge of a range is left out.
      const from = `${start.line}:${Math.max(0, start.column - 2)}`;
      return `${path}:${from}-${end.line}:${end.column + 1}`;
    });
}

/** The report of before, with what the new one knows better. */
function merged(before: Report, now: Report): Report {
  const statuses = new Map(mutantsOf(now).map((mutant) => [nameOf(mutant), mutant.status]));
  for (const mutant of mutantsOf(before)) {
    if (isDoubtful(mutant)) mutant.status = statuses.get(nameOf(mutant)) ?? mutant.status;
  }
  return before;
}

function mutate(file: string, concurrency: string, isAgain: boolean): void {
  const before = isAgain && existsSync(reportPath(file)) ? readReport(reportPath(file)) : null;
  const places = placesIn(file, before);
  if (places.length === 0) return;
  const config = join(import.meta.dirname, 'stryker.json');
  const options = ['--concurrency', concurrency, '--mutate', places.join(',')];
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
  const now = readReport(join(REPORTS, 'mutation.json'));
  const report = before === null ? now : merged(before, now);
  writeFileSync(reportPath(file), JSON.stringify(report));
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
  const statuses = (file: string): string[] =>
    mutantsOf(readReport(reportPath(file))).map(({ status }) => status);
  const measured = files.filter((file) => existsSync(reportPath(file)));
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
    again: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`no such file in agent/core: ${unknown.join(', ')}`);
if (!values.table) {
  for (const file of positionals.length > 0 ? positionals : all) {
    mutate(file, values.concurrency, values.again);
  }
}
printTable(all);
