// What many schedules came to, added up.

import type { Violation } from './checker.ts';
import type { Outcome } from './simulation.ts';

type FoundViolation = Violation & { readonly seed: number };

export type Tally = {
  schedules: number;
  violations: FoundViolation[];
  events: number;
  simulatedMs: number;
  promotions: number;
  acknowledged: number;
  lost: number;
  /** Groups that only a person can help, as the schedule left them. */
  stuck: number;
  guesses: number;
  recoveryMs: number[];
};

export function emptyTally(): Tally {
  return {
    schedules: 0,
    violations: [],
    events: 0,
    simulatedMs: 0,
    promotions: 0,
    acknowledged: 0,
    lost: 0,
    stuck: 0,
    guesses: 0,
    recoveryMs: [],
  };
}

export function count(tally: Tally, outcome: Outcome): void {
  const { seed } = outcome;
  tally.schedules++;
  tally.violations.push(...outcome.violations.map((violation) => ({ ...violation, seed })));
  tally.events += outcome.events;
  tally.simulatedMs += outcome.simulatedMs;
  tally.promotions += outcome.promotions;
  tally.acknowledged += outcome.acknowledged;
  tally.lost += outcome.lost;
  tally.guesses += outcome.guesses;
  if (outcome.needsPerson) tally.stuck++;
  else tally.recoveryMs.push(Math.max(0, Math.round(outcome.recoveryMs)));
}

export function add(sum: Tally, part: Tally): void {
  sum.schedules += part.schedules;
  sum.violations.push(...part.violations);
  sum.events += part.events;
  sum.simulatedMs += part.simulatedMs;
  sum.promotions += part.promotions;
  sum.acknowledged += part.acknowledged;
  sum.lost += part.lost;
  sum.stuck += part.stuck;
  sum.guesses += part.guesses;
  sum.recoveryMs.push(...part.recoveryMs);
}

/** The smallest value that so great a share of the sorted values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
