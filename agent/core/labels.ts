// Which role labels the holder wants on the pods of its group. Only the holder of an open master
// owns labels; it puts its own first, so that the Service is never empty longer than needed.

import type { AgentState, PodView } from './model.ts';
import { isManaged, localInstance } from './view.ts';

export type LabelChange = { readonly pod: PodView; readonly role: 'master' | 'replica' | null };

function wantedRole(state: AgentState, pod: PodView): 'master' | 'replica' | null {
  if (pod.uid === state.config.self.uid) return 'master';
  if (pod.terminal || !isManaged(state, pod)) return null;
  const peer = state.peers.get(pod.uid);
  if (peer?.report.role === 'replica') return 'replica';
  // A silent or fenced replica keeps its label, if it has one; nobody else keeps "master".
  return pod.role === 'replica' && peer?.report.role !== 'master' ? 'replica' : null;
}

/** The changes that make the labels true, this pod's own first; none where this is no open master. */
export function labelChanges(state: AgentState): readonly LabelChange[] {
  if (state.phase !== 'Leading' || localInstance(state)?.role !== 'master') return [];
  return (state.pods ?? [])
    .map((pod) => ({ pod, role: wantedRole(state, pod) }))
    .filter(({ pod, role }) => pod.role !== role)
    .toSorted((a, b) => Number(b.role === 'master') - Number(a.role === 'master'));
}
