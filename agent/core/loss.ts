// What a promotion left behind: bytes that the local Redis has of the stream, and that its successor never got.

import type { Loss } from '../../src/wire.ts';
import type { AgentState } from './model.ts';
import { localInstance, recordOf } from './view.ts';

/** Null: these data are of no known id, or nobody was promoted since. */
export function lossOf(state: AgentState): Loss | null {
  const instance = localInstance(state);
  const { lineage } = recordOf(state);
  if (instance === null) return null;
  const own = lineage.findLastIndex(({ replid }) => replid === instance.replid);
  const next = own < 0 ? undefined : lineage.slice(own + 1).find(({ term }) => term > 0);
  if (next === undefined || next.start === 0) return null;
  // `start` is the first offset that only the promoted one has.
  return { term: next.term, bytes: Math.max(0, instance.offset - next.start + 1) };
}

/** The same again where nothing changed: a stream that is attached twice is lost once. */
export function lossAfter(state: AgentState): Loss | null {
  const { lost } = state;
  const now = lossOf(state);
  return now === null || (now.term === lost?.term && now.bytes === lost.bytes) ? lost : now;
}
