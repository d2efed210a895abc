// What a person has to mend in the local Redis, though it answers: its settings, its rights, its disk.
// It stands beside the problem of the moment, so that neither hides the other.

import type { AgentState } from './model.ts';
import { unwritability } from './unwritable.ts';
import { localInstance } from './view.ts';

function joined(one: string | null, other: string | null): string | null {
  return one === null || other === null ? (one ?? other) : `${one}; ${other}`;
}

/** One sentence with its code, for as long as it lasts, or null. */
export function ailment(state: AgentState): string | null {
  return joined(localInstance(state)?.obstacle?.problem ?? null, unwritability(state));
}

/** All that is wrong, as /state and /health tell it, or null. */
export function problemOf(state: AgentState): string | null {
  return joined(state.problem, ailment(state));
}

/** Our agent may not do what its part needs: this Redis is left as it is, never half managed. */
export function isDenied(state: AgentState): boolean {
  return localInstance(state)?.obstacle?.kind === 'denied';
}
