// A Redis that answers and refuses writes (MISCONF: its disk is full), and whether its master's role
// is given away for that (--unwritable-master). Never to and fro: the next disk may be as full.

import type { AgentState } from './model.ts';
import { leaseOf, localInstance, recordOf } from './view.ts';

/** Redis tries to write its append-only file again once a second. */
const PATIENCE_MS = 2000;
/** A master that got its term for this reason keeps it so long, whatever its own disk does. */
const PAUSE_MS = 5 * 60_000;
/** In the history it tells the successor why it leads. */
export const REFUSES_WRITES = 'its Redis refuses writes';

const CAUSES = {
  aof: 'its append-only file cannot be written',
  rdb: 'its last snapshot failed, and stop-writes-on-bgsave-error is yes',
} as const;

export function unwritability(state: AgentState): string | null {
  const cause = localInstance(state)?.unwritable ?? null;
  if (cause === null) return null;
  return `RO_REDIS_UNWRITABLE: this Redis refuses writes (MISCONF): ${CAUSES[cause]}; give its disk room, its log tells more`;
}

/** Policy alone: a hand-over that began goes on while this holds. */
export function isGivenUp(state: AgentState): boolean {
  return state.config.failsOverUnwritable && localInstance(state)?.unwritable != null;
}

/** Whether its master is to be replaced now. */
export function mustBeGivenUp(state: AgentState): boolean {
  if (!isGivenUp(state) || state.unwritableSince === null) return false;
  if (state.now - state.unwritableSince < PATIENCE_MS) return false;
  const term = leaseOf(state)?.term;
  const reason = recordOf(state).history.find((entry) => entry.term === term)?.reason;
  return reason !== REFUSES_WRITES || state.now - state.phaseSince >= PAUSE_MS;
}

/** Since when it refuses them, by what was just learned. */
export function unwritableSince(state: AgentState): number | null {
  const instance = localInstance(state);
  // Who does not answer for a moment has not been mended by that.
  if (instance === null) return state.unwritableSince;
  return instance.unwritable === null ? null : (state.unwritableSince ?? state.now);
}
