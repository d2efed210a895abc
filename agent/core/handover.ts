// Row of HandingOver, and the giver's side of a planned transfer (DESIGN 8, ADR 9): the Lease changes
// hands while this instance serves on; then it stops, and tells its successor where.

import type { Member } from './election.ts';
import { leaveIfGiven, renewIfDue, transfer } from './holding.ts';
import { isNewest } from './lineage.ts';
import type { AgentState, Instance } from './model.ts';
import type { Turn } from './turn.ts';
import {
  isForeign,
  isLeaving,
  isLimbo,
  isValid,
  leaseOf,
  livePeers,
  localInstance,
  peerMember,
  rank,
  recordOf,
  selfPod,
} from './view.ts';

/** A replica further behind than this is no target: draining it would be a long pause. */
const HANDOVER_LAG_MAX_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 500;
const DRAIN_AGAIN_MS = 1000;
const STOP_MS = 1500;
const STOPPED_SWAP_MS = 800;

/** The best live, linked replica that stays. */
export function handoverTarget({ s }: Turn): Member | null {
  // A successor finds the offset by the id of this promotion.
  if (s.opened === null || !isNewest(recordOf(s), s.opened)) return null;
  if (s.now - s.handoverFailedAt < DRAIN_AGAIN_MS) return null;
  const own = selfPod(s)?.ip;
  const offset = localInstance(s)?.offset ?? 0;
  const linked = livePeers(s).filter(({ report }) => {
    const { instance } = report;
    return (
      !report.leaving &&
      report.inSync &&
      // A report from before this promotion counts offsets of another id.
      instance?.replid === s.opened?.replid &&
      instance?.upstream?.startsWith(`${own}:`) &&
      offset - (instance?.offset ?? 0) <= HANDOVER_LAG_MAX_BYTES
    );
  });
  const members = linked.flatMap((peer) => peerMember(peer) ?? []);
  return rank(s, members)[0] ?? null;
}

/** Below 7.0 REPLICAOF cuts the links of a master's own replicas: they must have all before it. */
function cutsReplicas({ version }: Instance): boolean {
  return Number.parseInt(version, 10) < 7;
}

export function handingOver(turn: Turn): void {
  const { s } = turn;
  if (leaseOf(s) === null) return turn.enter('Fencing', 'the Lease was deleted: fencing');
  if (isForeign(s)) return turn.enter('Fencing', 'the Lease names another holder: fencing');
  if (!isValid(s)) return turn.enter('Fencing', 'validity ended during the handover: fencing');
  // Nobody is promoted before this instance stopped, or was silent for a whole wait: it serves on.
  if (leaveIfGiven(turn)) return;
  // Rule 2: a renewal decides a transfer of which nothing is known.
  if (s.unsure) return renewIfDue(turn);
  const instance = localInstance(s);
  if (instance === null || instance.runId !== s.opened?.runId) {
    return turn.enter('Leading', 'the local Redis went away during the handover');
  }
  if (s.drainedTo !== null) return stopAndGive(turn, instance);
  const target = isLeaving(s) ? handoverTarget(turn) : null;
  if (target === null) return turn.enter('Leading', 'nobody is there to be handed over to');
  if (cutsReplicas(instance)) return drain(turn, instance, target);
  transfer(turn, target, 'its pod is terminating', { goal: 'pending', decided: true });
}

/** Redis below 7.0: no more writes, the target gets the last ones, then this instance stops. */
function drain(turn: Turn, instance: Instance, target: Member): void {
  const { s } = turn;
  if (turn.elapsedMs() >= DRAIN_MS) {
    s.handoverFailedAt = s.now;
    return turn.enter('Leading', `${target.pod} did not get the last writes in time: serving on`);
  }
  if (s.pendingRedis !== null) return;
  if (!s.isGuarded) turn.guard();
  else if (target.offset >= instance.offset) {
    s.drainedTo = target.uid;
    stopAndGive(turn, instance);
  }
}

/** Redis below 7.0: the target has everything; in limbo the offset is final. */
function stopAndGive(turn: Turn, { offset }: Instance): void {
  const { s } = turn;
  if (s.stoppedAt === null) {
    if (turn.elapsedMs() < STOP_MS) turn.limbo({ cutClients: true });
    else turn.enter('Fencing', 'limbo was not confirmed in time');
    return;
  }
  // Its link is cut by now, so that it is no target any more, but it has everything.
  const peer = livePeers(s).find(({ report }) => report.podUID === s.drainedTo);
  const target = peer === undefined ? null : peerMember(peer);
  if (target === null || s.now - s.stoppedAt > STOPPED_SWAP_MS) {
    return turn.enter('Deciding', 'no replica took the handover: deciding anew');
  }
  transfer(turn, target, 'its pod is terminating', { goal: offset, decided: true });
}

/** Where this instance stopped after it had given the Lease away, for its successor; else null. */
export function finalOffset(state: AgentState): { term: number; offset: number } | null {
  const { opened, pendingRedis, config } = state;
  const lease = leaseOf(state);
  const instance = localInstance(state);
  if (lease === null || instance === null || opened === null || pendingRedis !== null) return null;
  const { goal, previous } = lease.record;
  const isGiver = goal === 'pending' && previous?.uid === config.self.uid;
  const isStopped = isLimbo(instance) && instance.runId === opened.runId;
  return isGiver && isStopped ? { term: opened.term, offset: instance.offset } : null;
}
