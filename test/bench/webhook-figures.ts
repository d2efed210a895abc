// The figures of the bench of webhooks, the file that they are written to, and what the goal misses.

import { aligned, spreadOf } from './figures.ts';
import type { Measured } from './webhook-measure.ts';
import { KINDS, type Kind } from './webhook-reviews.ts';
import type { Swapped } from './webhook-swap.ts';

const P99_GOAL_MS = 5;

export type Cell = {
  readonly n: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  readonly perSecondPerCore: number;
  /** Reviews and seconds of CPU behind it. */
  readonly reviews: number;
  readonly cpu_s: number;
};

type BySystem<T> = Record<string, T>;

export type WebhookResult = Record<Kind, BySystem<Cell>> & {
  readonly machine: { readonly cores: number; readonly node: string; readonly at: string };
  readonly versions: BySystem<string>;
  readonly memory: BySystem<{
    readonly idle_MiB: number;
    readonly after_MiB: number;
    readonly reviews: number;
  }>;
  readonly swap: BySystem<Swapped>;
  /** What was asked for and could not be measured. */
  readonly absent: BySystem<string>;
};

export function cellOf({ times, reviews, cpuSeconds }: Measured): Cell {
  return {
    ...spreadOf(times, 3),
    perSecondPerCore: Math.round(reviews / cpuSeconds),
    reviews,
    cpu_s: Number(cpuSeconds.toFixed(2)),
  };
}

export function webhookTables(result: WebhookResult): string {
  const cells = KINDS.flatMap((kind) =>
    Object.entries(result[kind]).map(([system, cell]) => {
      const times = [cell.p50_ms, cell.p95_ms, cell.p99_ms, cell.max_ms].map((ms) => ms.toFixed(2));
      return [kind, system, String(cell.n), ...times, String(cell.perSecondPerCore)];
    }),
  );
  const heading = ['pod', 'system', 'n', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', '/s and core'];
  const others = Object.entries(result.memory).map(([system, { idle_MiB, after_MiB, reviews }]) => {
    const swap = result.swap[system];
    const seen = swap?.seen_s ?? null;
    return [
      system,
      result.versions[system] ?? '',
      String(idle_MiB),
      String(after_MiB),
      String(reviews),
      seen === null ? 'never' : `${seen} s`,
      `${swap?.errors} of ${swap?.reviews}`,
    ];
  });
  const titles = ['system', 'version', 'idle MiB', 'after', 'reviews', 'new certificate', 'errors'];
  return `${aligned([heading, ...cells])}\n\n${aligned([titles, ...others])}`;
}

/** Where we are not ahead, or not under the goal: one line each. */
export function missedGoals(result: WebhookResult): string[] {
  return KINDS.flatMap((kind) => {
    const { ours, ...others } = result[kind];
    if (ours === undefined) return [];
    const missed = ours.p99_ms < P99_GOAL_MS ? [] : [`${kind}: p99 is ${ours.p99_ms} ms`];
    for (const [name, theirs] of Object.entries(others)) {
      for (const figure of ['p50_ms', 'p95_ms', 'p99_ms'] as const) {
        if (ours[figure] < theirs[figure]) continue;
        missed.push(`${kind}: ${figure} ${ours[figure]}, ${name} ${theirs[figure]}`);
      }
      if (ours.perSecondPerCore > theirs.perSecondPerCore) continue;
      missed.push(
        `${kind}: ${ours.perSecondPerCore} a second and core, ${name} ${theirs.perSecondPerCore}`,
      );
    }
    return missed;
  });
}
