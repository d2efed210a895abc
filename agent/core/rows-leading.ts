// Rows of Deciding, Promoting, Leading and HandingOver: the holder of the Lease.

import { betterClaim, type Member } from './election.ts';
import type { Holder, Instance, Peer, RemoteTarget } from './model.ts';
import { hasNewCandidate, hasUnrecordedMember, nextDatasets, renewedRecord } from './record.ts';
import { type Turn, UNDECIDED } from './turn.ts';
import {
  candidateOf,
  isForeign,
  isLeaving,
  isLimbo,
  isManaged,
  isValid,
  leaseOf,
  legacyPlan,
  livePeers,
  localInstance,
  peerMember,
  rank,
  rankedMembers,
  recordOf,
  selfMember,
  selfPod,
  unheardMembers,
} from './view.ts';

const FENCE_WAIT_MS = 200;
const LEGACY_FENCE_WAIT_MS = 1000;
const FROZEN_WAIT_MS = 300;
const INELIGIBLE_WAIT_MS = 300;
/** Containers of a group that crashed together come back within seconds of each other. */
const UNHEARD_WAIT_MS = 3000;
const GOAL_WAIT_MS = 2000;
/** A replica further behind than this is no target: draining it would be a long pause. */
const HANDOVER_LAG_MAX_BYTES = 4 * 1024 * 1024;
const NOMINEE_WAIT_MS = 100;
const HANDOVER_LIMBO_MS = 1500;
const HANDOVER_SWAP_MS = 800;
const JOIN_RENEW_GAP_MS = 200;
const OPEN_WAIT_MS = 2000;
const PROMOTE_RETRY_MS = 1000;

/** Sends a renewal when it is due; rule 2: also while a swap that gave the Lease away is unknown. */
function renewIfDue(turn: Turn, options: { atOnce?: boolean } = {}): void {
  const { s } = turn;
  const lease = leaseOf(s);
  if (lease === null || !turn.canWrite()) return;
  const sinceMs = s.now - s.renewSentAt;
  if (sinceMs < s.config.timing.renewMs && options.atOnce !== true && !s.unsure) return;
  turn.writeLease('renew', lease.term, s.config.self, renewedRecord(s), 'renewal');
}

/** The holder itself names its successor; only the holder may (DESIGN 4). */
function transfer(
  turn: Turn,
  member: Member,
  reason: string,
  options: { goal: number | null; decided: boolean },
): boolean {
  const { s } = turn;
  const peer = s.peers.get(member.uid);
  const lease = leaseOf(s);
  if (peer === undefined || lease === null || !turn.canWrite()) return false;
  const { podName, podUID, agentId, clockMs } = peer.report;
  const holder: Holder = { pod: podName, uid: podUID, agentId };
  const { pod, uid } = s.config.self;
  turn.writeLease(
    'transfer',
    lease.term + 1,
    holder,
    {
      datasets: nextDatasets(s, recordOf(s)),
      goal: options.goal,
      decided: options.decided,
      basisMs: clockMs,
      previous: { pod, uid, address: selfPod(s)?.ip ?? '' },
    },
    reason,
  );
  turn.say(`handing term ${lease.term + 1} to ${podName}: ${reason}`);
  return true;
}

function release(turn: Turn, reason: string): void {
  const { s } = turn;
  const lease = leaseOf(s);
  if (lease === null || !turn.canWrite()) return;
  const changes = { ...UNDECIDED, datasets: nextDatasets(s, recordOf(s)) };
  turn.writeLease('release', lease.term, null, changes, reason);
  turn.say(`releasing term ${lease.term}: ${reason}`);
}

/** Best live peer, or a release: somebody else must decide. */
function giveAway(turn: Turn, reason: string): void {
  const best = rankedMembers(turn.s).find((member) => member.uid !== turn.s.config.self.uid);
  if (best !== undefined) transfer(turn, best, reason, { goal: null, decided: false });
  else release(turn, reason);
}

/** After a transfer or release was sent: fenced, whatever came of it. */
function leaveIfGiven(turn: Turn): boolean {
  const op = turn.s.pendingWrite?.write.op;
  return op === 'transfer' || op === 'release';
}

export function deciding(turn: Turn): void {
  const { s } = turn;
  if (leaveIfGiven(turn)) return;
  if (isForeign(s)) return turn.enter('Fencing', 'the Lease names another holder: fencing');
  const lease = leaseOf(s);
  if (lease === null) return turn.enter('Fencing', 'the Lease was deleted while deciding: fencing');
  if (s.unsure || !isValid(s)) {
    if (turn.elapsedMs() > s.config.timing.validityMs && !isValid(s)) {
      turn.enter('Fencing', 'the Lease could not be renewed while deciding');
    } else renewIfDue(turn, { atOnce: true });
    return;
  }
  // Rule 9: promote again only in a new term.
  if (recordOf(s).lineage.at(-1)?.term === lease.term) {
    if (!turn.canWrite()) return;
    const reason = `term ${lease.term} had its promotion already`;
    turn.writeLease('acquire', lease.term + 1, s.config.self, UNDECIDED, reason);
    turn.say(reason);
    return;
  }
  if (s.now - s.renewSentAt >= s.config.timing.renewMs && lease.record.basisMs === null) {
    renewIfDue(turn);
  }
  decide(turn);
}

function decide(turn: Turn): void {
  const { s } = turn;
  const self = selfMember(s);
  const record = recordOf(s);
  const lease = leaseOf(s);
  if (lease === null) return;
  const isPlanned = record.goal !== null && record.previous !== null;
  const isWaiting = isPlanned && !reachedGoal(self, record.goal ?? 0);
  if (isWaiting && (turn.elapsedMs() < GOAL_WAIT_MS || returnToPrevious(turn, self))) return;
  if (!isPlanned || isWaiting) {
    const mine = rankedMembers(s).some((member) => member.uid === s.config.self.uid);
    if (self === null || !mine) {
      if (turn.elapsedMs() >= INELIGIBLE_WAIT_MS) giveAway(turn, 'this member is not eligible');
      return;
    }
    const isListed = candidateOf(s)?.runId === localInstance(s)?.runId;
    const unheard = unheardMembers(s);
    // The giver of the Lease judged this member already; only who took it by itself must doubt.
    const mustDoubt = !isListed && !record.decided && lease.record.candidates.length > 0;
    if (mustDoubt && unheard.length > 0) {
      if (turn.elapsedMs() < UNHEARD_WAIT_MS) return;
      giveAway(turn, `this member restarted and ${unheard.join(', ')} did not report`);
      return;
    }
    if (!othersAreFenced(turn)) return;
    if (!inheritedAll(turn, self)) return;
    if (!record.decided && !comparedAll(turn, lease.term)) return;
  }
  const instance = localInstance(s);
  if (instance === null || s.pendingRedis?.kind === 'promote') return;
  // A Redis that refuses its promotion is asked again, but not in a loop.
  if (s.now - s.redisFailedAt < PROMOTE_RETRY_MS) return renewIfDue(turn);
  turn.promote(instance);
  turn.enter(
    'Promoting',
    `promoting this Redis in term ${lease.term} at offset ${instance.offset}`,
  );
}

/** Planned: everything that the previous master acknowledged must be here first (rules 3, 4). */
function reachedGoal(self: Member | null, goal: number): boolean {
  return self !== null && self.offset >= goal;
}

/** Rule 4: the goal was not reached; the previous holder has all data and takes over again. */
function returnToPrevious(turn: Turn, self: Member | null): boolean {
  const { s } = turn;
  const previous = recordOf(s).previous;
  const exists = s.pods?.some((pod) => pod.uid === previous?.uid && !pod.terminal);
  const peer = previous === null ? undefined : s.peers.get(previous.uid);
  const back = peer === undefined ? null : peerMember(peer);
  if (exists === true && back !== null) {
    const reason = `offset ${self?.offset ?? 'unknown'} did not reach the goal in time`;
    transfer(turn, back, reason, { goal: null, decided: false });
    return true;
  }
  return false;
}

function needsFence(turn: Turn): readonly RemoteTarget[] {
  const { s } = turn;
  const previous = recordOf(s).previous;
  const plan = legacyPlan(s);
  return (s.pods ?? []).flatMap((pod): RemoteTarget[] => {
    if (pod.ip === null || pod.terminal || pod.uid === s.config.self.uid) return [];
    const target = [{ uid: pod.uid, pod: pod.name, address: pod.ip }];
    if (!isManaged(s, pod)) {
      return plan.kind === 'inherit' && plan.pod.uid === pod.uid ? target : [];
    }
    const peer = s.peers.get(pod.uid);
    const isFresh = peer !== undefined && s.now - peer.at < FROZEN_WAIT_MS * 2;
    if (!isFresh) return target;
    const isGone = peer.report.role === 'unknown' && peer.report.refused;
    const isReplica = peer.report.role === 'limbo' || peer.report.role === 'replica';
    // The previous holder must be known to be fenced in this term, not merely once.
    const isPrevious = pod.uid === previous?.uid;
    const isFrozen = peer.report.role === 'limbo' && (peer.report.frozenTerm ?? -1) >= 0;
    return isGone || (isPrevious ? isFrozen : isReplica) ? [] : target;
  });
}

/** Rule 8: limbo on the previous holder and on every instance not known to be no master. */
function othersAreFenced(turn: Turn): boolean {
  const { s } = turn;
  const targets = needsFence(turn).filter((target) => !s.fenced.has(target.uid));
  if (targets.length === 0) return true;
  if (s.fenceAskedAt < 0) {
    s.fenceAskedAt = s.now;
    turn.effects.push({ kind: 'fence-remote', targets });
    return false;
  }
  // A master without agent has no other fence, and its last bytes are wanted as well.
  const isLegacy = targets.some(({ uid }) => s.unmanaged.has(uid));
  return s.now - s.fenceAskedAt >= (isLegacy ? LEGACY_FENCE_WAIT_MS : FENCE_WAIT_MS);
}

/** Adoption: the old master's last bytes, sampled by its limbo, must have arrived here. */
function inheritedAll(turn: Turn, self: Member): boolean {
  const { remoteGoal } = turn.s;
  return remoteGoal === null || self.offset >= remoteGoal || turn.elapsedMs() >= GOAL_WAIT_MS * 2;
}

function isFrozenIn(peer: Peer, term: number): boolean {
  return (peer.report.frozenTerm ?? -1) >= term;
}

/** Waits for the frozen offsets of live peers; hands over to a fresher one. */
function comparedAll(turn: Turn, term: number): boolean {
  const { s } = turn;
  const answering = livePeers(s).filter((peer) => peer.report.instance !== null);
  const unfrozen = answering.filter((peer) => !isFrozenIn(peer, term));
  if (unfrozen.length > 0 && turn.elapsedMs() < FROZEN_WAIT_MS) return false;
  const self = selfMember(s);
  if (self === null) return false;
  const frozen = answering
    .filter((peer) => isFrozenIn(peer, term))
    .flatMap((p) => peerMember(p) ?? []);
  const best = rank(s, [self, ...frozen])[0];
  if (best === undefined || best.uid === self.uid) return true;
  const reason = betterClaim(best, self, recordOf(s), s.config);
  transfer(turn, best, reason, { goal: null, decided: unfrozen.length === 0 });
  return false;
}

export function promoting(turn: Turn): void {
  const { s } = turn;
  if (isForeign(s) || leaseOf(s) === null) {
    return turn.enter('Fencing', 'the Lease was lost during the promotion');
  }
  if (!isValid(s)) return turn.enter('Fencing', 'validity ended during the promotion');
  if (s.pendingRedis === null && turn.elapsedMs() > OPEN_WAIT_MS) {
    turn.enter('Deciding', 'the promotion was not answered: deciding anew');
  }
}

export function leading(turn: Turn): void {
  const { s } = turn;
  const lease = leaseOf(s);
  if (s.lease.kind === 'absent') return recreate(turn);
  if (isForeign(s)) return turn.enter('Fencing', 'the Lease names another holder: fencing');
  if (!isValid(s)) return turn.enter('Fencing', 'the Lease could not be renewed in time: fencing');
  if (leaveIfGiven(turn) || lease === null) return;
  // What was given away may have been taken: this instance serves nobody until it is known.
  if (s.unsure) return turn.enter('Fencing', 'the Lease may have been given away: fencing');
  if (s.opened !== null && lease.term !== s.opened.term) {
    return turn.enter('Deciding', `the term was raised to ${lease.term}: deciding anew`);
  }
  const instance = localInstance(s);
  if (instance === null) return crashed(turn);
  if (instance.runId !== s.opened?.runId) return restarted(turn, instance);
  if (instance.role !== 'master') return deposedByHand(turn, instance);
  if (instance.replid !== s.opened.replid) {
    // Redis takes a new id whenever it makes its backlog anew: at the first replica that attaches
    // to an instance that never had one, and after repl-backlog-ttl without replicas.
    s.opened = { ...s.opened, replid: instance.replid };
  }
  if (isLeaving(s)) {
    const target = handoverTarget(turn);
    if (target !== null) {
      turn.enter('HandingOver', `this pod is terminating: handing over to ${target.pod}`);
      turn.limbo({ cutClients: true });
      return;
    }
  }
  const isJoining = hasUnrecordedMember(s) || hasNewCandidate(s);
  const mayJoinNow = s.now - s.renewSentAt >= JOIN_RENEW_GAP_MS;
  renewIfDue(turn, { atOnce: (isJoining && mayJoinNow) || isUnrecorded(turn) });
}

/** The replication id of this promotion is not in the record yet: replicas wait for it. */
function isUnrecorded(turn: Turn): boolean {
  return recordOf(turn.s).lineage.at(-1)?.replid !== turn.s.opened?.replid;
}

function recreate(turn: Turn): void {
  const { s } = turn;
  if (!isValid(s)) return turn.enter('Fencing', 'the Lease is gone and validity ended: fencing');
  if (!turn.canWrite() || s.opened === null) return;
  turn.writeLease('recreate', s.opened.term, s.config.self, renewedRecord(s), 'restored');
  turn.say('the Lease was deleted while this pod held it: restored from the last record');
}

/** Crash proof, or no answer: the dead master's own agent names the successor. */
function crashed(turn: Turn): void {
  const { s } = turn;
  if (s.redis?.reachable !== false) return;
  const { refused, since, locked } = s.redis;
  if (locked) {
    // It lives and may serve those who are connected: nobody could fence it either.
    s.problem = `RO_REDIS_AUTH: the local Redis does not let its agent in: ${s.redis.detail}`;
    turn.say(s.problem);
    return renewIfDue(turn);
  }
  const silentMs = s.now - since;
  // Without boot fence a refused connection may be a restart that comes back as a master.
  const proofMs = refused ? (s.config.bootFence ? 0 : 100) : s.config.redisTimeoutMs;
  if (silentMs < proofMs) return;
  const what = refused ? 'the local Redis is gone' : 'the local Redis does not answer';
  const peers = livePeers(s).filter((peer) => peer.report.instance !== null);
  const term = leaseOf(s)?.term ?? 0;
  const unfrozen = peers.filter((peer) => !isFrozenIn(peer, term));
  if (unfrozen.length > 0 && silentMs - proofMs < NOMINEE_WAIT_MS) {
    turn.say(`${what}: waiting for the final offsets of the replicas`);
    return;
  }
  const best = rankedMembers(s).find((member) => member.uid !== s.config.self.uid);
  if (best === undefined) release(turn, `${what} and no replica may take over`);
  else transfer(turn, best, what, { goal: null, decided: unfrozen.length === 0 });
  // A frozen Redis finds it in its queue when it thaws, before what clients sent later.
  if (!refused) turn.limbo({ cutClients: true });
}

function restarted(turn: Turn, instance: Instance): void {
  const { s } = turn;
  if (instance.role === 'master' && !instance.loading) {
    turn.limbo({ cutClients: true });
    turn.say('the local Redis restarted as a master: fenced before anything else');
    return;
  }
  if (instance.loading) {
    const best = rankedMembers(s).find((member) => member.uid !== s.config.self.uid);
    if (best !== undefined) {
      transfer(turn, best, 'the local Redis restarted and is loading', {
        goal: null,
        decided: false,
      });
    } else renewIfDue(turn);
    return;
  }
  turn.enter('Deciding', 'the local Redis restarted: deciding whose data are the freshest');
}

function deposedByHand(turn: Turn, instance: Instance): void {
  if (!isLimbo(instance)) turn.limbo({ cutClients: true });
  turn.enter('Deciding', 'the master was made a replica by somebody else: deciding anew');
}

/** The best live, linked replica that stays. */
function handoverTarget(turn: Turn): Member | null {
  const { s } = turn;
  const own = selfPod(s)?.ip;
  const offset = localInstance(s)?.offset ?? 0;
  const linked = livePeers(s).filter(({ report }) => {
    const { instance } = report;
    return (
      !report.leaving &&
      report.inSync &&
      instance?.upstream?.startsWith(`${own}:`) &&
      offset - instance.offset <= HANDOVER_LAG_MAX_BYTES
    );
  });
  const members = linked.flatMap((peer) => peerMember(peer) ?? []);
  return rank(s, members)[0] ?? null;
}

export function handingOver(turn: Turn): void {
  const { s } = turn;
  if (isForeign(s) || !isValid(s) || leaseOf(s) === null) {
    return turn.enter('Fencing', 'the Lease was lost during the handover');
  }
  if (leaveIfGiven(turn)) return;
  const instance = localInstance(s);
  if (instance === null || instance.runId !== s.opened?.runId) {
    return turn.enter('Deciding', 'the local Redis went away during the handover');
  }
  if (s.handoverOffset === null) {
    if (turn.elapsedMs() > HANDOVER_LIMBO_MS)
      turn.enter('Fencing', 'limbo was not confirmed in time');
    else turn.limbo({ cutClients: true });
    return;
  }
  const target = handoverTarget(turn);
  if (target === null || turn.elapsedMs() > HANDOVER_LIMBO_MS + HANDOVER_SWAP_MS) {
    turn.enter('Deciding', 'no replica took the handover: deciding anew');
    return;
  }
  const reason = isLeaving(s) ? 'its pod is terminating' : 'a switchover was asked for';
  transfer(turn, target, reason, { goal: s.handoverOffset, decided: true });
}
