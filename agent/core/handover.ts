// Row of HandingOver, and the giver's side of a planned transfer (DESIGN 8, ADR 9): the Lease changes
// hands while this instance serves on; then it stops, and tells its successor where.

import { type Member, preferRevision, refusesWrites } from './election.ts';
import { leaveIfGiven, renewIfDue, transfer } from './holding.ts';
import { isNewest } from './lineage.ts';
import type { AgentState, Instance, Peer } from './model.ts';
import type { Turn } from './turn.ts';
import { isGivenUp, REFUSES_WRITES } from './unwritable.ts';
import {
  isForeign,
  isLeaving,
  isLimbo,
  isValid,
  leaseOf,
  livePeers,
  localInstance,
  PEER_LIVE_MS,
  peerMember,
  rank,
  recordOf,
  selfPod,
} from './view.ts';

/** A replica further behind than this is no target: draining it would be a long pause. */
const HANDOVER_LAG_MAX_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 500;
const FAILED_AGAIN_MS = 1000;
const STOP_MS = 1500;
const STOPPED_SWAP_MS = 800;

/** Why this peer cannot take over without loss, or a long pause, or null. */
export function targetProblem(s: AgentState, { report, at }: Peer): string | null {
  const { instance } = report;
  if (s.now - at > PEER_LIVE_MS) return 'its agent is silent';
  if (report.leaving) return 'its pod is terminating';
  if (instance === null) return 'its Redis does not answer';
  // Who goes in any case has to go to somebody.
  if (refusesWrites(instance) && !isLeaving(s)) return 'its Redis refuses writes';
  const own = selfPod(s)?.ip;
  const isFollowing = instance.upstream?.startsWith(`${own}:`) === true;
  // A report from before this promotion counts offsets of another id.
  if (!isFollowing || instance.replid !== s.opened?.replid) {
    return 'it does not replicate from the master';
  }
  const lag = (localInstance(s)?.offset ?? 0) - instance.offset;
  if (lag > HANDOVER_LAG_MAX_BYTES) {
    return `it lacks ${lag} bytes, more than ${HANDOVER_LAG_MAX_BYTES}`;
  }
  if (!report.inSync) return 'it is not in sync with the master';
  // It would take itself for one that restarted, and return the Lease.
  const isListed = recordOf(s).candidates.some(
    ({ uid, runId }) => uid === report.podUID && runId === instance.runId,
  );
  return isListed ? null : 'it is not recorded as a candidate yet';
}

/** Live, linked replicas that stay and could take over now without a loss; the best first. */
export function handoverTargets(s: AgentState): readonly Member[] {
  const peers = [...s.peers.values()].filter((peer) => targetProblem(s, peer) === null);
  const ranked = rank(
    s,
    peers.flatMap((peer) => peerMember(peer) ?? []),
  );
  // All of them get the last bytes before they lead: who is there to stay matters more.
  return preferRevision(ranked, s.pods ?? []).toSorted(
    (a, b) => Number(refusesWrites(a)) - Number(refusesWrites(b)),
  );
}

/** The best of them; or the one that is `wanted`. */
export function handoverTarget({ s }: Turn, wanted: string | null = null): Member | null {
  if (!mayHandOver(s)) return null;
  return handoverTargets(s).find(({ pod }) => wanted === null || pod === wanted) ?? null;
}

/** A successor finds the offset by the id of this promotion, and a drain that failed is over. */
export function mayHandOver(s: AgentState): boolean {
  const isRecorded = s.opened !== null && isNewest(recordOf(s), s.opened);
  // While the API server is silent nothing can be given away: the failsafe alone keeps the master.
  const canGive = isRecorded && s.failsafe.round === 0;
  return canGive && s.now - s.handoverFailedAt >= FAILED_AGAIN_MS;
}

/** Below 7.0 REPLICAOF cuts the links of a master's own replicas: they must have all before it. */
export function cutsReplicas({ version }: Pick<Instance, 'version'>): boolean {
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
  const isWanted = isLeaving(s) || s.switchover !== null || isGivenUp(s);
  const target = isWanted ? handoverTarget(turn, s.switchover?.target) : null;
  if (target === null) return turn.enter('Leading', 'nobody is there to be handed over to');
  if (cutsReplicas(instance)) return drain(turn, instance, target);
  give(turn, target, 'pending');
}

function give(turn: Turn, target: Member, goal: number | 'pending'): void {
  const { s } = turn;
  const request = s.switchover?.id;
  transfer(turn, target, reasonOf(s), { goal, decided: true, request });
}

function reasonOf(s: AgentState): string {
  const { switchover } = s;
  if (switchover === null) return isLeaving(s) ? 'its pod is terminating' : REFUSES_WRITES;
  return `switchover asked for by ${switchover.by}`;
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
  give(turn, target, offset);
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
