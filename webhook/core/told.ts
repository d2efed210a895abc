// The reasons of a decision, for whoever hears of it: the same list for warnings, Events, logs, audit and metrics.

import type { Decision } from './plan.ts';
import { isSilent, type Reason } from './reasons.ts';

/** All of them, also what nobody need hear. */
export function reasonsOf(decision: Decision): readonly Reason[] {
  switch (decision.kind) {
    case 'skip':
      return [...decision.warnings, decision.reason];
    case 'deny':
      return decision.reasons;
    case 'inject':
      return decision.warnings;
  }
}

/** What people should hear: skips of what looks like Redis, weaker protection, refusals. */
export function toldReasons(decision: Decision): readonly Reason[] {
  return reasonsOf(decision).filter(({ code }) => !isSilent(code));
}
