// Durations in rules: as they are, or all of them shorter by one factor, for a test that cannot wait for hours.

export type Time = {
  /** As Prometheus writes it: `5m`. */
  readonly span: (ms: number) => string;
  /** A limit in seconds that an expression compares with. */
  readonly seconds: (seconds: number) => number;
};

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

const UNITS = [
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
  ['s', SECOND_MS],
  ['ms', 1],
] as const;

export function timeBy(factor: number): Time {
  return {
    span: (ms) => spanOf(Math.round(ms / factor)),
    seconds: (seconds) => seconds / factor,
  };
}

function spanOf(ms: number): string {
  if (ms === 0) return '0s';
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
