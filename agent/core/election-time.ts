// How long nobody could write at a change of master, as this agent lived through it. Nothing is decided by it.

import type { ElectionKind } from '../../src/group-facts.ts';
import { goalOf } from './goal.ts';
import { lastOpened } from './lineage.ts';
import type { AgentState } from './model.ts';
import { leaseOf, recordOf } from './view.ts';

/** Handed over, taken, or the first one of its group. */
export function electionKind(state: AgentState): ElectionKind {
  const { goal, lineage } = recordOf(state);
  // Without its goal a planned change ends like a crash: the members are compared, and writes may be lost.
  if (goal !== null && state.goalMissedIn !== leaseOf(state)?.term) return 'planned';
  return lineage.some(({ term }) => term > 0) ? 'unplanned' : 'cold';
}

/** An agent that was replaced opens the term that its forerunner opened already: that is no election. */
export function isResumed(before: AgentState): boolean {
  return lastOpened(recordOf(before))?.term === leaseOf(before)?.term;
}

/** What this step says of the election that goes on, or that it completed. */
export function electionTimes(
  before: AgentState,
  after: AgentState,
): Pick<AgentState, 'electionAt' | 'goalAt' | 'promotion'> {
  const { promotion } = after;
  const { phase, now } = after;
  if (phase === 'Following' || phase === 'Fenced' || phase === 'Boot') {
    return { electionAt: null, goalAt: null, promotion };
  }
  if (phase !== 'Leading') {
    const isGoalKnown = after.goalAt === null && goalOf(after) !== null;
    return {
      electionAt: after.electionAt ?? now,
      goalAt: isGoalKnown ? now : after.goalAt,
      promotion,
    };
  }
  // Whatever went on before, such as a handover that was given up, is over.
  const over = { electionAt: null, goalAt: null };
  if (before.phase !== 'Promoting' || isResumed(before)) return { ...over, promotion };
  const kind = electionKind(before);
  const since = kind === 'planned' ? after.goalAt : after.electionAt;
  const pauseMs = since === null ? null : now - since;
  const term = leaseOf(after)?.term ?? 0;
  return { ...over, promotion: { term, kind, pauseMs } };
}
