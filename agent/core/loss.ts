// What a promotion left behind: bytes that the local Redis has of the stream, and that its successor never got.

import type { Loss } from '../../src/wire.ts';
import type { AgentState, Instance } from './model.ts';
import { localInstance, recordOf } from './view.ts';

/** Between a promotion and a start that came after it, at the least, by the wall clocks of two nodes. */
const CLOCKS_MS = 5000;

/**
 * Null: these data are of no known id, or nobody was promoted since, or this process is another one than then: it may
 * have been loaded from an older snapshot, which keeps the id and lacks what came after.
 */
export function lossOf(state: AgentState): Loss | null {
  const instance = localInstance(state);
  const { lineage } = recordOf(state);
  if (instance === null) return null;
  const own = lineage.findLastIndex(({ replid }) => replid === instance.replid);
  const next = own < 0 ? undefined : lineage.slice(own + 1).find(({ term }) => term > 0);
  if (next === undefined || next.start === 0) return null;
  if (!wasThere(state, instance, next.term)) return null;
  // `start` is the first offset that only the promoted one has.
  return { term: next.term, bytes: Math.max(0, instance.offset - next.start + 1) };
}

/** Whether this very process ran when that term began. */
function wasThere(state: AgentState, instance: Instance, term: number): boolean {
  if (state.opened?.runId === instance.runId) return true;
  const began = recordOf(state).history.findLast((entry) => entry.term === term);
  return instance.startedEpochMs + CLOCKS_MS < Date.parse(began?.at ?? '');
}

/** The same again, or more, of a stream that is attached twice: it is lost once, and never found again. */
export function lossAfter(state: AgentState): Loss | null {
  const { lost } = state;
  const now = lossOf(state);
  return now === null || (now.term === lost?.term && now.bytes <= lost.bytes) ? lost : now;
}

/** Bytes that this step added to what was lost. */
export function newlyLost(before: Loss | null, after: Loss | null): number {
  if (after === null || after === before) return 0;
  return after.term === before?.term ? after.bytes - before.bytes : after.bytes;
}
