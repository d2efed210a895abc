// Rule 8: before a promotion, and as long as it stands, every other instance of the group that is not known
// to be no master is put into limbo. Nobody else can fence a master whose own agent is dead.

import { legacyPlan } from './adoption.ts';
import { LOCKED_OUT } from './holding.ts';
import { lastOpening } from './lineage.ts';
import type { AgentState, PodView, RemoteTarget } from './model.ts';
import type { Turn } from './turn.ts';
import { isManaged, podAt, recordOf } from './view.ts';

const FENCE_WAIT_MS = 200;
const LEGACY_FENCE_WAIT_MS = 1000;
const SILENT_FENCE_WAIT_MS = 50;
const LOCKED_REPEAT_MS = 1000;
/** A report older than this does not tell what its instance is now. */
const REPORT_FRESH_MS = 600;
/** One that stays silent, a machine without power, is asked less often after a while. */
const REPEAT_MS = 200;
const REPEAT_SELDOM_MS = 2000;
const SELDOM_AFTER_MS = 5000;
/** Its machine has given its address to others by then, or never will. */
const GHOST_MS = 600_000;
const GHOSTS_MAX = 20;

function podTarget(s: AgentState, pod: PodView): RemoteTarget | null {
  if (pod.ip === null || pod.terminal || pod.uid === s.config.self.uid) return null;
  const target = { uid: pod.uid, pod: pod.name, address: pod.ip, runId: null };
  if (!isManaged(s, pod)) {
    const plan = legacyPlan(s);
    return plan.kind === 'inherit' && plan.pod.uid === pod.uid ? target : null;
  }
  const peer = s.peers.get(pod.uid);
  if (peer === undefined || s.now - peer.at >= REPORT_FRESH_MS) return target;
  const { role, refused, frozenTerm } = peer.report;
  if (role === 'unknown' && refused) return null;
  // The previous holder must be known to be fenced in this term, not merely once.
  const isPrevious = pod.uid === recordOf(s).previous?.uid;
  const isFrozen = role === 'limbo' && frozenTerm !== null;
  const isReplica = role === 'limbo' || role === 'replica';
  return (isPrevious ? isFrozen : isReplica) ? null : target;
}

/**
 * Processes that may run on although their pod objects are gone: deleted by force. The record forgets them
 * with the first renewal, while one may be frozen and thaw much later: who promotes remembers them.
 */
function ghosts(s: AgentState): readonly RemoteTarget[] {
  if (s.pods === null) return [];
  const listed = new Set([s.config.self.uid, ...s.pods.map(({ uid }) => uid)]);
  const { candidates } = recordOf(s);
  const isRecorded = new Set(candidates.map(({ uid }) => uid));
  const isOld = s.phase === 'Leading' && s.now - s.phaseSince > GHOST_MS;
  const remembered = isOld ? [] : s.ghosts.filter(({ uid }) => !isRecorded.has(uid));
  return [...candidates, ...remembered].flatMap(({ uid, pod, address, runId }) =>
    listed.has(uid) || address === '' || runId === '' || podAt(s, address) !== null
      ? []
      : [{ uid, pod, address, runId }],
  );
}

/** Also those that did answer: once it leads, it asks each of them again until it is confirmed. */
export function ghostsToRemember(s: AgentState): readonly RemoteTarget[] {
  return ghosts(s).slice(0, GHOSTS_MAX);
}

function unfenced(s: AgentState): readonly RemoteTarget[] {
  const pods = (s.pods ?? []).flatMap((pod) => podTarget(s, pod) ?? []);
  return [...pods, ...ghosts(s)].filter(({ uid }) => !s.fenced.has(uid));
}

/** Before a promotion: true once all are fenced, or had their time. */
export function othersAreFenced(turn: Turn): boolean {
  const { s } = turn;
  const targets = unfenced(s);
  if (targets.length === 0) return true;
  if (s.fenceAskedAt < 0) {
    s.fenceAskedAt = s.now;
    turn.effects.push({ kind: 'fence-remote', targets });
    return false;
  }
  const locked = lockedMaster(s, targets);
  if (locked !== undefined) {
    s.problem = `${LOCKED_OUT}: the Redis of ${locked.pod} was master, lives, and lets no agent in: nobody is promoted beside it`;
    turn.say(s.problem);
    if (s.now - s.fenceAskedAt >= LOCKED_REPEAT_MS) {
      s.fenceAskedAt = s.now;
      turn.effects.push({ kind: 'fence-remote', targets: [locked] });
    }
    return false;
  }
  // A master without agent has no other fence, and its last bytes are wanted as well.
  const isLegacy = targets.some(({ uid }) => s.unmanaged.has(uid));
  const isSilent = targets.every(({ uid }) => isKnownSilent(s, uid));
  const waitMs = isLegacy ? LEGACY_FENCE_WAIT_MS : isSilent ? SILENT_FENCE_WAIT_MS : FENCE_WAIT_MS;
  return s.now - s.fenceAskedAt >= waitMs;
}

/** Who opened writes last may take them still, and cannot be stopped from here. */
function lockedMaster(s: AgentState, targets: readonly RemoteTarget[]): RemoteTarget | undefined {
  const opener = lastOpening(recordOf(s))?.holder;
  // One that was silent for a whole wait since has died.
  const isLocked = (uid: string): boolean =>
    s.now - (s.lockedOut.get(uid) ?? Number.NEGATIVE_INFINITY) < s.config.timing.waitMs;
  return targets.find(({ uid, pod }) => pod === opener && isLocked(uid));
}

/** Its own agent waits for an answer in vain, and queued a limbo as it gave the Lease away. */
function isKnownSilent(s: AgentState, uid: string): boolean {
  const peer = s.peers.get(uid);
  // Only who gave the Lease away has queued one: others may just have started, or be locked out.
  if (uid !== recordOf(s).previous?.uid) return false;
  if (peer === undefined || s.now - peer.at >= REPORT_FRESH_MS) return false;
  return peer.report.role === 'unknown' && !peer.report.refused;
}

/** While this pod leads: those that could not be reached are asked again until they are in limbo. */
export function keepOthersFenced(turn: Turn): void {
  const { s } = turn;
  const everyMs = turn.elapsedMs() < SELDOM_AFTER_MS ? REPEAT_MS : REPEAT_SELDOM_MS;
  if (s.now - s.fenceAskedAt < everyMs) return;
  const targets = unfenced(s);
  if (targets.length === 0) return;
  s.fenceAskedAt = s.now;
  turn.effects.push({ kind: 'fence-remote', targets });
}
