// All tests of the core in one process: a mutant is judged in the time of one start, not of twenty.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const UNIT = join(import.meta.dirname, '..', 'unit');
// core-rules compares documents with the source, which is another one here.
const isOfCore = (name: string): boolean =>
  /^core-.*\.test\.ts$/.test(name) && !name.includes('rules');

for (const name of readdirSync(UNIT).filter(isOfCore)) await import(join(UNIT, name));
