// A pause that a person asked for: while it lasts, nobody takes over from a master that fails. Planned changes
// go on, and so does every fence: a pause never costs data, only time.

import { lastOpening } from './lineage.ts';
import type { AgentState } from './model.ts';
import { isLeaving, localInstance, recordOf } from './view.ts';

export function isPaused({ pause, now }: AgentState): boolean {
  return pause !== null && now < pause.until;
}

/** Why this agent leaves the Lease alone, or null; who led last may lead again, and of a new group anybody. */
export function pauseOf(state: AgentState): string | null {
  const { pause, config } = state;
  if (pause === null || !isPaused(state)) return null;
  const last = lastOpening(recordOf(state));
  if (last === undefined || last.holder === config.self.pod) return null;
  return `failover is paused by ${pause.by}: ${pause.reason}`;
}

/** The Redis of who led last is gone or loads, and it is waited for; where the pod ends, it is not. */
export function isAwaited(state: AgentState): boolean {
  if (!isPaused(state) || isLeaving(state)) return false;
  const instance = localInstance(state);
  const isLast = lastOpening(recordOf(state))?.holder === state.config.self.pod;
  return isLast && (instance === null || instance.loading);
}
