// What was measured: said in the test's output, and kept in a file for the table at the run's end.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Test } from 'tap';

export type Measurement = {
  readonly image: string;
  readonly what: string;
  readonly value: number;
  /** Milliseconds by default. */
  readonly unit?: 'ms' | 'MiB' | 'per minute';
};

export function record(t: Test, measurement: Measurement): void {
  const { image, what, value, unit = 'ms' } = measurement;
  t.comment(`${image}: ${what}: ${value.toFixed(0)} ${unit}`);
  const file = process.env['RO_E2E_RECORDS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(measurement)}\n`);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** One line per image and kind: n, p50, p99, max. */
export function summary(file: string): string[] {
  if (!existsSync(file)) return [];
  const groups = new Map<string, number[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const { image, what, value, unit = 'ms' } = JSON.parse(line) as Measurement;
    const key = `${image.padEnd(20)} ${`${what}, ${unit}`.padEnd(62)}`;
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  const head = `${'image'.padEnd(20)} ${'measured'.padEnd(62)}   n    p50    p99    max`;
  const rows = [...groups].map(([key, values]) => {
    const sorted = values.sort((left, right) => left - right);
    const numbers = [quantile(sorted, 0.5), quantile(sorted, 0.99), sorted.at(-1) ?? 0];
    const cells = numbers.map((each) => each.toFixed(0).padStart(6)).join(' ');
    return `${key} ${String(sorted.length).padStart(3)} ${cells}`;
  });
  return [head, ...rows];
}
