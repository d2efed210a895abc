// All tests of the core in one process: a mutant is judged in the time of one start, not of twenty.
// Those that run.ts names come first, for the first failure ends the run; a survivor has met all of them.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const UNIT = join(import.meta.dirname, '..', 'unit');
const FIRST = (process.env['RO_MUTATION_FIRST'] ?? '').split(',');
// core-rules compares documents with the source, which is another one here.
const isOfCore = (name: string): boolean =>
  /^core-.*\.test\.ts$/.test(name) && !name.includes('rules');
const place = (name: string): number => {
  const index = FIRST.indexOf(name);
  return index < 0 ? FIRST.length : index;
};

const names = readdirSync(UNIT).filter(isOfCore);
for (const name of names.toSorted((a, b) => place(a) - place(b))) await import(join(UNIT, name));
