// Who takes over when the master is gone, as this agent would decide it now.

import type { Successor } from '../../src/group-facts.ts';
import { type Member, refusesWrites } from './election.ts';
import type { AgentState } from './model.ts';
import { heardMembers, leaseOf, rankedMembers, recordOf, whyUnfit } from './view.ts';

/** The eligible ones in their order, then the others, each with its reason. */
export function successionOf(state: AgentState): readonly Successor[] {
  const holder = leaseOf(state)?.holder?.uid;
  const ranked = rankedMembers(state).filter(({ uid }) => uid !== holder);
  const uids = new Set(ranked.map(({ uid }) => uid));
  const others = heardMembers(state).filter(({ uid }) => uid !== holder && !uids.has(uid));
  const judged = ranked.map((member) => ({ pod: member.pod, problem: whyNotNext(state, member) }));
  return [
    ...judged.filter(({ problem }) => problem === null),
    ...judged.filter(({ problem }) => problem !== null),
    ...others.map((member) => ({ pod: member.pod, problem: whyUnfit(state, member) })),
  ];
}

/** What keeps a member that may lead from the place of a master that is lost at once. */
function whyNotNext(state: AgentState, member: Member): string | null {
  if (member.leaving) return 'its pod is terminating';
  if (refusesWrites(member)) return 'its Redis refuses writes';
  const { candidates } = recordOf(state);
  const isListed = candidates.some(
    ({ uid, runId }) => uid === member.uid && runId === member.runId,
  );
  // Nobody is listed before there was a master.
  return isListed || candidates.length === 0 ? null : 'it is not recorded as a candidate yet';
}
