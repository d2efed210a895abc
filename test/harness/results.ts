// Records what a scenario measured, one JSON line per test, in the file that RO_RECORD names:
// `npx node scripts/docs.mjs --record FILE` takes it into test/chaos/results.json, and what was
// measured of the matrix of versions into test/chaos/matrix.json.

import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { CellResult } from '../matrix.ts';
import { REPOSITORY } from './programs.ts';

export type Result = {
  /** Fault to the first acknowledged write on the new master: the longest of the test's. */
  readonly recoveryMs?: number;
  readonly lost?: number;
  readonly acknowledged?: number;
};

function append(line: object): void {
  const path = process.env['RO_RECORD'];
  if (path === undefined || path === '') return;
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}

export function record(test: string, result: Result): void {
  append({ file: relative(REPOSITORY, process.argv[1] ?? ''), test, ...result });
}

export function recordCell(cell: CellResult): void {
  append({ cell });
}
