// The figures of many rounds, and the shape of the file that they are written to.

import type { ServiceFigures } from '../e2e/service-times.ts';
import type { FaultName, SystemName } from './system.ts';

export type Round = {
  /** Undefined: no new master within the bound. */
  readonly ms: number | undefined;
  readonly acknowledged: number;
  readonly lost: number;
};

export type Figures = {
  /** Rounds that ended well; `failed` ones are told apart and are in no percentile. */
  readonly n: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly failed: number;
};

type BySystem = Partial<Record<SystemName, Figures>>;

export type Result = Partial<Record<FaultName, BySystem>> & {
  readonly machine: { readonly redis: string; readonly cores: number; readonly at: string };
  switchover?: { readonly ours?: Figures };
  /** The crash with a large dataset, from the kill and from the close of the master's sockets. */
  large?: { fromKill: BySystem; fromClose: BySystem };
  /** Ours through a Service of a real cluster, by the label's route and by the fast one. */
  service?: ServiceFigures;
};

/** Nearest rank: a value that was really measured. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** In ms, with so many digits behind the point. */
export function spreadOf(times: readonly number[], digits: number) {
  const at = (share: number): number => Number(percentile(times, share).toFixed(digits));
  return { n: times.length, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms: at(1) };
}

export function figuresOf(rounds: readonly Round[]): Figures {
  const times = rounds.flatMap(({ ms }) => (ms === undefined ? [] : [ms]));
  const sum = (of: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + of(round), 0);
  return {
    ...spreadOf(times, 1),
    acknowledged: sum((round) => round.acknowledged),
    lost: sum((round) => round.lost),
    failed: rounds.length - times.length,
  };
}

const COLUMNS = [
  'what',
  'system',
  'n',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'max ms',
  'lost',
  'of written',
  'failed',
  'p50 : sentinel1s',
] as const;

type Shown = Omit<Figures, 'acknowledged' | 'failed'> & Partial<Figures>;

function row(what: string, system: string, figures: Shown, reference: Figures | undefined) {
  const { n, p50_ms, p95_ms, p99_ms, max_ms, lost, acknowledged = '-', failed = '-' } = figures;
  const ratio = reference === undefined ? Number.NaN : reference.p50_ms / p50_ms;
  const share = Number.isFinite(ratio) ? `1/${ratio.toFixed(ratio < 10 ? 2 : 1)}` : '-';
  const times = [p50_ms, p95_ms, p99_ms, max_ms].map((ms) => ms.toFixed(1));
  return [what, system, String(n), ...times, ...[lost, acknowledged, failed].map(String), share];
}

/** Rows of text in columns; the first row is the heading. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((cells) => line(cells).trimEnd()).join('\n');
}

export function table(result: Result): string {
  const sections: [string, BySystem | undefined][] = [
    ['crash', result.crash],
    ['frozen', result.frozen],
    ['podKilled', result.podKilled],
    ['switchover (pause)', result.switchover],
    ['large, from kill', result.large?.fromKill],
    ['large, from close', result.large?.fromClose],
  ];
  const rows = sections.flatMap(([what, bySystem]) =>
    Object.entries(bySystem ?? {}).map(([system, figures]) =>
      row(what, system, figures, bySystem?.sentinel1s),
    ),
  );
  const { label, ours } = result.service ?? {};
  // A Service is compared with what clients of Sentinel wait without one.
  const reference = result.crash?.sentinel1s;
  const routes = Object.entries({ fast: ours, label }).flatMap(([route, figures]) =>
    figures === undefined ? [] : [row(`service (${route})`, 'ours', figures, reference)],
  );
  return aligned([COLUMNS, ...rows, ...routes]);
}
