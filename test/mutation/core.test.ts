// All tests of the core in one process: a mutant is judged in the time of one start, not of forty.
// Those that run.ts names come first, for the first failure ends the run. Stryker's tap runner knows of one test file
// then, so the trial run notes here which of them reach a mutant: no other could tell it from the original.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const UNIT = join(import.meta.dirname, '..', 'unit');
const CORE = join(import.meta.dirname, '..', '..', 'agent', 'core');
const NOTES = 'reached-by.json';
const FIRST = (process.env['RO_MUTATION_FIRST'] ?? '').split(',');
const ACTIVE = process.env['__STRYKER_ACTIVE_MUTANT__'];

type Counts = Readonly<Record<string, number>>;
type Stryker = { readonly mutantCoverage?: { readonly static: Counts } };

// core-rules compares documents with the source, which is another one here.
const isOfCore = (name: string): boolean =>
  /^core-.*\.test\.ts$/.test(name) && !name.includes('rules');
const place = (name: string): number => {
  const index = FIRST.indexOf(name);
  return index < 0 ? FIRST.length : index;
};

/** How often each mutant was reached so far. */
function counts(): Counts {
  const { __stryker__: stryker } = globalThis as { __stryker__?: Stryker };
  return { ...stryker?.mutantCoverage?.static };
}

const names = readdirSync(UNIT)
  .filter(isOfCore)
  .toSorted((a, b) => place(a) - place(b));

async function runAll(): Promise<void> {
  const reachedBy: Record<string, string[]> = {};
  const note = (before: Counts, by: readonly string[]): void => {
    for (const [id, count] of Object.entries(counts())) {
      if (count > (before[id] ?? 0)) reachedBy[id] = [...(reachedBy[id] ?? []), ...by];
    }
  };
  // What runs as a file is loaded counts in every test.
  for (const name of readdirSync(CORE)) await import(join(CORE, name));
  note({}, names);
  for (const name of names) {
    const before = counts();
    await import(join(UNIT, name));
    note(before, [name]);
  }
  if (process.env['STRYKER_DRY_RUN'] === 'true') writeFileSync(NOTES, JSON.stringify(reachedBy));
}

if (ACTIVE === undefined || !existsSync(NOTES)) await runAll();
else {
  const notes = JSON.parse(readFileSync(NOTES, 'utf8')) as Record<string, string[]>;
  const reaching = new Set(notes[ACTIVE] ?? names);
  for (const name of names.filter((each) => reaching.has(each))) await import(join(UNIT, name));
}
