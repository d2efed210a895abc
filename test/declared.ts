// Brings the list of scenarios together with the tests that declare its rows: for the page
// docs/scenarios.md, and for the test that no row is forgotten.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ELSEWHERE, FAULTS, MISSING } from './scenarios.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const FOLDER = 'test/chaos';

export type Declared = {
  readonly file: string;
  readonly rows: readonly number[];
  readonly sentence: string;
};

/** `await declare([1, 2], 'a sentence', …)`, by whatever name test/harness/declare.ts is called. */
const DECLARATION = /await \w+\(\s*\[([\d,\s]+)\],\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;

export function declaredScenarios(): Declared[] {
  const files = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith('.test.ts'));
  return files.sort().flatMap((name) => {
    const file = `${FOLDER}/${name}`;
    const source = readFileSync(join(root, file), 'utf8');
    return [...source.matchAll(DECLARATION)].map(([, rows = '', single, double]) => ({
      file,
      rows: rows
        .split(',')
        .filter((each) => each.trim() !== '')
        .map(Number),
      sentence: (single ?? double ?? '').replaceAll(/\\(.)/g, '$1'),
    }));
  });
}

export type ScenarioRow = {
  readonly row: number;
  readonly fault: string;
  readonly tests: readonly Declared[];
  readonly elsewhere: readonly { readonly file: string; readonly what: string }[];
  readonly missing: string | undefined;
};

export function scenarioRows(): ScenarioRow[] {
  const declared = declaredScenarios();
  return Object.entries(FAULTS).map(([key, fault]) => {
    const row = Number(key);
    return {
      row,
      fault,
      tests: declared.filter(({ rows }) => rows.includes(row)),
      elsewhere: ELSEWHERE[row] ?? [],
      missing: MISSING[row],
    };
  });
}
