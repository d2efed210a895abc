// Records what a scenario measured, one JSON line per test, in the file that RO_RECORD names:
// `npx node scripts/docs.mjs --record FILE` takes it into test/chaos/results.json.

import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { REPOSITORY } from './programs.ts';

export type Result = {
  /** Fault to the first acknowledged write on the new master: the longest of the test's. */
  readonly recoveryMs?: number;
  readonly lost?: number;
  readonly acknowledged?: number;
};

export function record(test: string, result: Result): void {
  const path = process.env['RO_RECORD'];
  if (path === undefined || path === '') return;
  const file = relative(REPOSITORY, process.argv[1] ?? '');
  appendFileSync(path, `${JSON.stringify({ file, test, ...result })}\n`);
}
