// Rule 7: members whose agents do not answer, as this agent's fence found them. Their offsets are final,
// but nobody could make them master: what they have more than the next master is told (ADR 11).

import { type Dataset, isFresher } from './lineage.ts';
import type { AgentState } from './model.ts';
import { recordOf } from './view.ts';

type SilentMember = Dataset & { readonly runId: string };

export function silentMembers(state: AgentState): readonly SilentMember[] {
  return (state.pods ?? []).flatMap(({ uid, name, volume }) => {
    const instance = state.fencedInstances.get(uid);
    return instance === undefined ? [] : [{ ...instance, pod: name, volume }];
  });
}

/** What a promotion of these data leaves where nobody can lead it, as the end of a sentence. */
export function leftWithSilent(state: AgentState, own: Dataset): string {
  const fresher = silentMembers(state).filter((member) => isFresher(member, own, recordOf(state)));
  return fresher
    .map(({ pod, offset }) => `; ${pod}, whose agent does not answer, is at ${offset}`)
    .join('');
}
