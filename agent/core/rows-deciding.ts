// Rows of Deciding and Promoting: the holder proves that it may be master, and becomes it.

import { areUnmanagedAsked } from './adoption.ts';
import { isConfirmed } from './confirmation.ts';
import { othersAreFenced, ghostsToRemember } from './fencing-others.ts';
import { betterClaim, type Member } from './election.ts';
import { isFresher, isKnown, withOrigin } from './lineage.ts';
import { isGoalOpen, pursueGoal } from './goal.ts';
import { isAwaited } from './pause.ts';
import { renewedRecord } from './record.ts';
import { giveAway, leaveIfGiven, release, renewIfDue, transfer } from './holding.ts';
import { leftWithSilent } from './silent-members.ts';
import type { AgentState, Peer } from './model.ts';
import { type Turn, UNDECIDED } from './turn.ts';
import {
  areAllHeard,
  awaitedVolume,
  candidateOf,
  expectedPods,
  isForeign,
  isFrozenIn,
  isValid,
  leaseOf,
  livePeers,
  localInstance,
  peerMember,
  rank,
  rankedMembers,
  recordOf,
  selfMember,
  unfitness,
  unheardMembers,
} from './view.ts';

const FROZEN_WAIT_MS = 300;
/** Streams of peers are there so long after the start. */
const YOUNG_MS = 1000;
const INELIGIBLE_WAIT_MS = 300;
/** An agent that starts while the API server is slow, or whose watch on the Lease broke with it. */
const UNPROMISED_WAIT_MS = 3000;
/** Containers of a group that crashed together come back within seconds of each other. */
const UNHEARD_WAIT_MS = 3000;
const INHERIT_WAIT_MS = 4000;
const PODS_WAIT_MS = 1000;
const OPEN_WAIT_MS = 2000;
const PROMOTE_RETRY_MS = 1000;
const PROMOTE_BROKEN_RETRY_MS = 100;

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
    const reason = `this pod was master of term ${lease.term} and was fenced since: a new term`;
    turn.writeLease('acquire', lease.term + 1, s.config.self, UNDECIDED, reason);
    turn.say(reason);
    return;
  }
  if (localInstance(s)?.role === 'master' && s.pendingRedis === null) {
    // It takes writes without a guard, while others may do so too.
    turn.limbo({ cutClients: true });
    turn.say('this Redis was made master by somebody else: fenced until it is decided');
    return;
  }
  // A nominee is valid by the report that named it, and need not write anything before it promotes.
  const isNominee = lease.record.basisMs !== null;
  if (!isNominee || turn.elapsedMs() >= s.config.timing.renewMs / 2) renewIfDue(turn);
  decide(turn);
}

/** A Redis that only just fell silent has what it had: it is given up when it counts as frozen, like a master's. */
function mayAnswerYet({ redis, now, config }: AgentState): boolean {
  if (redis === null || redis.reachable || redis.refused) return false;
  return now - redis.since < config.redisTimeoutMs;
}

function decide(turn: Turn): void {
  const { s } = turn;
  const self = selfMember(s);
  const record = recordOf(s);
  const lease = leaseOf(s);
  if (lease === null) return;
  if (s.pods === null) {
    // Who else is there must be known first: they are compared, and fenced.
    const isPatient = isGoalOpen(s) || turn.elapsedMs() < PODS_WAIT_MS;
    if (!isPatient) giveAway(turn, 'this agent could not list the pods');
    return;
  }
  // An agent that restarted as holder may not have asked the pods without agent yet.
  if (!areUnmanagedAsked(s) && turn.elapsedMs() < UNHEARD_WAIT_MS) return;
  const goal = pursueGoal(turn, self);
  if (goal === 'awaited') return;
  if (goal === 'missed') s.goalMissedIn = lease.term;
  if (goal !== 'reached') {
    const mine = rankedMembers(s).some((member) => member.uid === s.config.self.uid);
    if (self === null || !mine) {
      if (mayAnswerYet(s)) return;
      if (isAwaited(s)) {
        turn.say(`failover is paused by ${s.pause?.by ?? ''}: waiting for the local Redis`);
        return;
      }
      const why = self === null ? 'the local Redis does not answer' : unfitness(s, self);
      if (turn.elapsedMs() >= INELIGIBLE_WAIT_MS) giveAway(turn, why);
      return;
    }
    const isListed = candidateOf(s)?.runId === localInstance(s)?.runId;
    const unheard = unheardMembers(s);
    // The giver of the Lease judged this member already, unless it restarted since; else only who took
    // the Lease by itself must doubt.
    const isJudged = record.decided && candidateOf(s) === null;
    const isForced = s.forcedTerm === lease.term;
    const isNew = !isListed && !isJudged && lease.record.candidates.length > 0;
    const mustDoubt = !isForced && (isNew || s.termByAll === lease.term);
    if (mustDoubt && unheard.length > 0) {
      if (turn.elapsedMs() < UNHEARD_WAIT_MS) return;
      const why = `${unheard.join(', ')} did not report, and may have fresher data`;
      // Whoever else took it would have heard no more.
      if (s.termByAll === lease.term) release(turn, why);
      else giveAway(turn, why);
      return;
    }
    // Rule 6: nor does it lead while data that are fresher may come back.
    const missing = mustDoubt ? awaitedVolume(s, self) : null;
    if (missing !== null) return release(turn, `the volume of ${missing} holds fresher data`);
    if (!othersAreFenced(turn)) return;
    if (!inheritedAll(turn, self)) return;
    // What the giver compared counts only for the goal that it set.
    if (!comparedAll(turn, lease.term, record.decided && goal === 'none')) return;
    if (!isConfirmed(turn, lease.term)) return;
  }
  const instance = localInstance(s);
  if (instance === null || s.pendingRedis?.kind === 'promote') return;
  // A Redis that refuses its promotion is asked again, but not in a loop.
  const isBroken = s.promoteBreaks > 0 && s.promoteFailures === 0;
  const retryMs = isBroken ? PROMOTE_BROKEN_RETRY_MS : PROMOTE_RETRY_MS;
  if (s.now - s.promoteFailedAt < retryMs) return renewIfDue(turn);
  // Else a promotion that nobody could record would leave data of unknown descent.
  if (self !== null && !isKnown(record, instance.replid)) {
    if (!turn.canWrite()) return;
    const lineage = withOrigin(self, record);
    const reason = 'the id of these data is recorded before they are promoted';
    turn.writeLease('renew', lease.term, s.config.self, { ...renewedRecord(s), lineage }, reason);
    turn.say(reason);
    return;
  }
  s.ghosts = ghostsToRemember(s);
  turn.promote(instance);
  const left = self === null ? '' : leftWithSilent(s, self);
  turn.enter(
    'Promoting',
    `promoting this Redis in term ${lease.term} at offset ${instance.offset}${left}`,
  );
}

/** Adoption: the old master's last bytes, sampled by its limbo, must have arrived here. */
function inheritedAll(turn: Turn, self: Member): boolean {
  const { remoteGoal } = turn.s;
  return (
    typeof remoteGoal !== 'number' ||
    self.offset >= remoteGoal ||
    turn.elapsedMs() >= INHERIT_WAIT_MS
  );
}

/**
 * Waits for the frozen offsets of live peers, and hands over to a better one. What the giver of the
 * Lease compared already is not waited for; only data that turned up since, fresher ones, count.
 */
function comparedAll(turn: Turn, term: number, isDecided: boolean): boolean {
  const { s } = turn;
  const answering = livePeers(s).filter((peer) => peer.report.instance !== null);
  const unfrozen = answering.filter((peer) => !isFrozenIn(peer, term));
  const isIncomplete = unfrozen.length > 0 || isJustListening(turn);
  if (!isDecided && isIncomplete && turn.elapsedMs() < FROZEN_WAIT_MS) return false;
  // Who comes back while this one decides has the same while to stop.
  const isComing = unfrozen.some(({ since }) => s.now - since < FROZEN_WAIT_MS);
  if (!isDecided && isComing) return false;
  const self = selfMember(s);
  if (self === null) return false;
  const betterAmong = (peers: readonly Peer[]): Member | null => {
    const best = rank(s, [self, ...peers.flatMap((peer) => peerMember(peer) ?? [])])[0];
    if (best === undefined || best.uid === self.uid) return null;
    return !isDecided || isFresher(best, self, recordOf(s)) ? best : null;
  };
  // The giver did not hear it, or judged by what it had said before: it stopped, and will promise so at once.
  const stopped = unfrozen.filter(({ report }) => report.role === 'limbo');
  if (turn.elapsedMs() < FROZEN_WAIT_MS && betterAmong(stopped) !== null) return false;
  // Without any promise its agent has just started, or does not know the term: it will tell that it stopped.
  const unpromised = stopped.filter(({ report }) => report.frozenTerm === null);
  if (turn.elapsedMs() < UNPROMISED_WAIT_MS && betterAmong(unpromised) !== null) return false;
  const best = betterAmong(answering.filter((peer) => isFrozenIn(peer, term)));
  if (best === null) return true;
  const reason = betterClaim(best, self, recordOf(s), s.config);
  // Who was not heard may have more: the nominee has to wait for it then.
  const decided = unfrozen.length === 0 && areAllHeard(s);
  transfer(turn, best, reason, { goal: null, decided });
  return false;
}

/** Rule 6: an agent that has just started may not have heard everybody who is there. */
function isJustListening({ s }: Turn): boolean {
  if (s.phaseSince - s.bootedAt >= YOUNG_MS) return false;
  const listed = new Set(recordOf(s).candidates.map(({ uid }) => uid));
  return expectedPods(s).some(
    ({ uid }) => listed.has(uid) && uid !== s.config.self.uid && !s.peers.has(uid),
  );
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
