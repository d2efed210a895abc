// How closely an agent looks, and what of it others must hear at once: by its state alone.

import { problemOf } from './core/ailment.ts';
import { cutsReplicas, finalOffset } from './core/handover.ts';
import type { AgentState } from './core/model.ts';
import { leaseOf, localInstance, recordOf, seenTerm, selfPod } from './core/view.ts';

const TICK_BUSY_MS = 20;
const TICK_CALM_MS = 200;
const POLL_BUSY_MS = 10;
/** The last bytes of a planned change of master arrive: each look that is spared is a pause. */
const POLL_GOAL_MS = 2;
const POLL_FENCED_MS = 100;
const POLL_SETTLING_MS = 25;
const POLL_CALM_MS = 250;
const SETTLING_MS = 3000;

function isCalm({ phase }: AgentState): boolean {
  return phase === 'Leading' || phase === 'Following';
}

function holderReport(s: AgentState) {
  return s.peers.get(leaseOf(s)?.holder?.uid ?? '')?.report;
}

/** The master stopped its writes and hands over, perhaps to this replica: it waits for what we have. */
export function isDraining(s: AgentState): boolean {
  const holder = holderReport(s);
  const isHandedOver = s.phase === 'Following' && holder?.state === 'HandingOver';
  return isHandedOver && holder.instance !== null && cutsReplicas(holder.instance);
}

/** Milliseconds between two ticks. */
export function tickMsOf(s: AgentState): number {
  const isRedisGone = s.redis?.reachable === false;
  return isCalm(s) && !isRedisGone ? TICK_CALM_MS : TICK_BUSY_MS;
}

/** Milliseconds between two looks at the local instance. */
export function pollMsOf(s: AgentState): number {
  if (s.phase === 'Deciding' && recordOf(s).goal !== null) return POLL_GOAL_MS;
  if (s.phase === 'Fenced') return POLL_FENCED_MS;
  // The master's agent says that its Redis is gone: our link breaks within milliseconds.
  const isSuspicious = s.phase === 'Following' && holderReport(s)?.role === 'unknown';
  if (!isCalm(s) || isSuspicious || isDraining(s)) return POLL_BUSY_MS;
  // A new master takes a new id at the first attachment, and a new replica waits for its stream:
  // both are noticed at once, so that the others need not wait.
  return s.now - s.phaseSince < SETTLING_MS ? POLL_SETTLING_MS : POLL_CALM_MS;
}

/** What goes out at once when it changes; offsets do not, or the group would talk of nothing else. */
export function faceOf(s: AgentState): readonly unknown[] {
  const instance = localInstance(s);
  return [
    s.phase,
    s.frozenTerm,
    finalOffset(s)?.offset,
    seenTerm(s),
    s.redis?.reachable === false && s.redis.refused,
    instance?.runId,
    instance?.role,
    instance?.upstream?.host,
    instance?.upstream?.port,
    instance?.linkUp,
    instance?.syncing,
    instance?.loading,
    instance?.replid,
    instance?.priority,
    s.promise?.round,
    s.failsafe.round,
    s.attachment?.caughtUp,
    s.terminating || selfPod(s)?.leaving,
    problemOf(s),
    instance?.unwritable,
    s.answer?.id,
    s.answer?.outcome,
    s.pause?.until,
  ];
}
