// The versions of Redis and the settings that the core scenarios are shown with
// (test/chaos/matrix.test.ts), and what was measured in each: for the run's own table and for the
// page docs/scenarios.md.

import { REDIS_VERSIONS, type ServerVersion } from './harness/redis-versions.ts';

const SETTINGS = ['plain', 'password', 'ACL user', 'TLS', 'mTLS', 'AOF', 'no persistence'] as const;

export type Setting = (typeof SETTINGS)[number];

export type Cell = { readonly version: ServerVersion; readonly setting: Setting };

/** `ms`: the pause of the writes; `lost`: acknowledged writes that the new master lacks. */
export type Outcome = { readonly ms: number; readonly lost: number };

export type CellResult = Cell & {
  /** What the server says of itself. */
  readonly server: string;
  readonly passed: boolean;
  readonly acknowledged?: number;
  readonly failover?: Outcome;
  readonly handover?: Outcome;
  /** All containers crash together: only where an AOF keeps the data. */
  readonly crash?: Outcome;
};

export const ALL_CELLS: readonly Cell[] = REDIS_VERSIONS.flatMap((version) =>
  SETTINGS.map((setting) => ({ version, setting })),
);

/** What every run shows: each version once, and each setting with the usual version. */
export function isUsual({ version, setting }: Cell): boolean {
  return setting === 'plain' || version === 'redis-7.0';
}

export const cellName = ({ version, setting }: Cell): string => `${version}, ${setting}`;

export const MATRIX_HEAD = [
  'server',
  'setting',
  'passed',
  'failover',
  'lost',
  'hand-over',
  'lost',
  'crash of all',
  'lost',
] as const;

function outcomeCells(outcome: Outcome | undefined): [string, string] {
  return outcome === undefined ? ['–', '–'] : [`${outcome.ms} ms`, String(outcome.lost)];
}

export function matrixRow(result: CellResult): readonly string[] {
  const { server, setting, passed, failover, handover, crash } = result;
  return [
    server,
    setting,
    passed ? 'yes' : 'NO',
    ...outcomeCells(failover),
    ...outcomeCells(handover),
    ...outcomeCells(crash),
  ];
}
