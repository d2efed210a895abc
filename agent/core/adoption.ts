// What pods without an agent demand while they run (DESIGN 7, adopting what runs already).

import { ADOPT_FROM_ANNOTATION } from '../../src/names.ts';
import type { Member } from './election.ts';
import { lastOpened } from './lineage.ts';
import type { AgentState, Instance, PodView } from './model.ts';
import { heardMembers, isManaged, leaseOf, recordOf } from './view.ts';

export type Adoption =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'follow'; readonly pod: PodView; readonly instance: Instance }
  | { readonly kind: 'inherit'; readonly pod: PodView; readonly instance: Instance };

/**
 * What the pods without an agent demand while they run (DESIGN 7, adopting what runs already).
 * Once a record exists it tells whose data count, and they demand nothing any more.
 */
export function adoption(state: AgentState): Adoption {
  const lease = leaseOf(state);
  const isMirrored = (state.pods ?? []).some((pod) => pod.mirror.lineage.length > 0);
  if (isMirrored || (lease !== null && lease.record.lineage.length > 0)) return { kind: 'none' };
  return legacyPlan(state);
}

/** The same, whatever the record says. */
export function legacyPlan(state: AgentState): Adoption {
  const masters: { pod: PodView; instance: Instance }[] = [];
  for (const pod of state.pods ?? []) {
    if (isManaged(state, pod) || pod.terminal || pod.ip === null) continue;
    const probe = state.unmanaged.get(pod.uid);
    if (probe === undefined || !probe.reachable) {
      if (pod.leaving) continue;
      return {
        kind: 'wait',
        reason: `pod ${pod.name} has no agent and its Redis ${probe === undefined ? 'was not asked yet' : 'does not answer'}: it may hold the data`,
      };
    }
    const { instance } = probe;
    if (instance.role === 'master' && instance.keys > 0) masters.push({ pod, instance });
  }
  const chosen =
    masters.find(({ pod }) => pod.adoptFrom) ?? (masters.length === 1 ? masters[0] : undefined);
  if (chosen === undefined) {
    if (masters.length === 0) return { kind: 'none' };
    const names = masters.map(({ pod }) => pod.name).join(', ');
    return {
      kind: 'wait',
      reason: `RO_DATA_CONFLICT: pods ${names} are masters with different data and have no agent; annotate the right one with ${ADOPT_FROM_ANNOTATION}=true`,
    };
  }
  return chosen.pod.leaving ? { kind: 'inherit', ...chosen } : { kind: 'follow', ...chosen };
}

/** Names of members whose data are of different descent, with no record to tell which is right. */
export function unrelatedData(state: AgentState): readonly string[] {
  if (recordOf(state).lineage.length > 0) return [];
  const full = heardMembers(state).filter((member) => member.keys > 0);
  const first = full[0];
  if (first === undefined) return [];
  const ids = (member: Member): string[] =>
    [member.replid, member.replid2].filter((id) => !/^0+$/.test(id));
  // Related: one family of ids that every member shares at least one id with.
  const family = new Set(ids(first));
  for (let grown = true; grown; ) {
    grown = false;
    for (const member of full) {
      const mine = ids(member);
      if (mine.some((id) => family.has(id)) && mine.some((id) => !family.has(id))) {
        for (const id of mine) family.add(id);
        grown = true;
      }
    }
  }
  const isStranger = (member: Member): boolean => !ids(member).some((id) => family.has(id));
  return full.some(isStranger) ? full.map((member) => member.pod) : [];
}

/** Before the group has opened its first term, each pod without agent is asked whether it holds the data. */
export function areUnmanagedAsked(state: AgentState): boolean {
  if (lastOpened(recordOf(state)) !== undefined) return true;
  return (state.pods ?? []).every(
    (pod) =>
      isManaged(state, pod) || pod.terminal || pod.ip === null || state.unmanaged.has(pod.uid),
  );
}
