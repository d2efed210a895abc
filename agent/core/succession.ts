// Who takes over when the master is gone, as this agent would decide it now.

import type { Successor } from '../../src/group-facts.ts';
import type { AgentState } from './model.ts';
import { heardMembers, leaseOf, rankedMembers, whyUnfit } from './view.ts';

/** The eligible ones in their order, then the others, each with its reason. */
export function successionOf(state: AgentState): readonly Successor[] {
  const holder = leaseOf(state)?.holder?.uid;
  const ranked = rankedMembers(state).filter(({ uid }) => uid !== holder);
  const uids = new Set(ranked.map(({ uid }) => uid));
  const others = heardMembers(state).filter(({ uid }) => uid !== holder && !uids.has(uid));
  return [
    ...ranked.map(({ pod }) => ({ pod, problem: null })),
    ...others.map((member) => ({ pod: member.pod, problem: whyUnfit(state, member) })),
  ];
}
