// A pause that a person asked for: while it lasts, nobody takes over from a master that fails. Planned changes
// go on, and so does every fence: a pause never costs data, only time.

import { lastOpening } from './lineage.ts';
import type { AgentState } from './model.ts';
import { recordOf } from './view.ts';

export function isPaused({ pause, now }: AgentState): boolean {
  return pause !== null && now < pause.until;
}

/** Why this agent leaves the Lease alone, or null; who led last may lead again. */
export function pauseOf(state: AgentState): string | null {
  const { pause, config } = state;
  if (pause === null || !isPaused(state)) return null;
  const isLast = lastOpening(recordOf(state))?.holder === config.self.pod;
  return isLast ? null : `failover is paused by ${pause.by}: ${pause.reason}`;
}
