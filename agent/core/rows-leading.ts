// Row of Leading: the master, until it is none.

import { keepOthersFenced } from './fencing-others.ts';
import { handingOver, handoverTarget } from './handover.ts';
import {
  keepWhileLockedOut,
  leaveIfGiven,
  LOCKED_OUT,
  release,
  renewIfDue,
  transfer,
} from './holding.ts';
import { keepIsolation } from './isolation.ts';
import { isNewest } from './lineage.ts';
import type { AgentState, Instance } from './model.ts';
import { isPaused } from './pause.ts';
import { hasNewCandidate, hasUnrecordedMember, renewedRecord } from './record.ts';
import { answerRequest } from './switchover.ts';
import type { Turn } from './turn.ts';
import { mustBeGivenUp } from './unwritable.ts';
import {
  areAllHeard,
  isForeign,
  isFrozenIn,
  isLeaving,
  isLimbo,
  isValid,
  leaseOf,
  livePeers,
  localInstance,
  rankedMembers,
  recordOf,
} from './view.ts';

const NOMINEE_WAIT_MS = 100;
const OPEN_RETRY_MS = 100;
const JOIN_RENEW_GAP_MS = 200;

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
  if (s.problem?.startsWith(LOCKED_OUT) === true) s.problem = null;
  if (instance.runId !== s.opened?.runId) return restarted(turn, instance);
  if (instance.role !== 'master') return deposedByHand(turn, instance);
  if (instance.replid !== s.opened.replid) {
    // Redis takes a new id whenever it makes its backlog anew: at the first replica that attaches
    // to an instance that never had one, and after repl-backlog-ttl without replicas.
    s.opened = { ...s.opened, replid: instance.replid };
  }
  if (answerRequest(turn)) return handingOver(turn);
  if (isLeaving(s)) {
    const target = handoverTarget(turn);
    if (target !== null) {
      turn.enter('HandingOver', `this pod is terminating: handing over to ${target.pod}`);
      return handingOver(turn);
    }
  }
  if (mustBeGivenUp(s) && !isPaused(s)) {
    const target = handoverTarget(turn);
    if (target !== null) {
      turn.enter('HandingOver', `this Redis refuses writes: handing over to ${target.pod}`);
      return handingOver(turn);
    }
    turn.say('this Redis refuses writes, and no replica in sync can take over that takes them');
  }
  if (s.isGuarded && s.pendingRedis === null && s.now - s.redisFailedAt >= OPEN_RETRY_MS)
    turn.open({ isolated: s.isIsolated });
  keepIsolation(turn);
  keepOthersFenced(turn);
  const isJoining = hasUnrecordedMember(s) || hasNewCandidate(s);
  const mayJoinNow = s.now - s.renewSentAt >= JOIN_RENEW_GAP_MS;
  renewIfDue(turn, { atOnce: (isJoining && mayJoinNow) || isUnrecorded(turn) });
}

/** The replication id of this promotion is not in the record yet: replicas wait for it. */
function isUnrecorded({ s }: Turn): boolean {
  return s.opened !== null && !isNewest(recordOf(s), s.opened);
}

/** By all that the lost record told: history and the volumes of absent pods are nowhere else. */
function recreate(turn: Turn): void {
  const { s } = turn;
  if (!isValid(s)) return turn.enter('Fencing', 'the Lease is gone and validity ended: fencing');
  if (!turn.canWrite() || s.opened === null || s.lease.kind !== 'absent') return;
  const { last } = s.lease;
  const before: AgentState =
    last === null ? s : { ...s, lease: { kind: 'present', lease: last, unchangedSince: s.now } };
  const changes = { ...recordOf(before), ...renewedRecord(before) };
  turn.writeLease('recreate', s.opened.term, s.config.self, changes, 'restored');
  turn.say('the Lease was deleted while this pod held it: restored from the last record');
}

/** Crash proof, or no answer: the dead master's own agent names the successor. */
function crashed(turn: Turn): void {
  const { s } = turn;
  if (s.redis?.reachable !== false) return;
  const { refused, since, locked } = s.redis;
  if (locked) return keepWhileLockedOut(turn, s.redis.detail);
  const silentMs = s.now - since;
  // Without boot fence a refused connection may be a restart that comes back as a master.
  const proofMs = refused ? (s.config.bootFence ? 0 : 100) : s.config.redisTimeoutMs;
  if (silentMs < proofMs) return;
  const what = refused ? 'the local Redis is gone' : 'the local Redis does not answer';
  if (isPaused(s) && !isLeaving(s)) return keepWhilePaused(turn, what);
  const peers = livePeers(s).filter((peer) => peer.report.instance !== null);
  const term = leaseOf(s)?.term ?? 0;
  const unfrozen = peers.filter((peer) => !isFrozenIn(peer, term));
  // While a frozen Redis keeps its links, no replica stops before another term begins.
  if (refused && unfrozen.length > 0 && silentMs - proofMs < NOMINEE_WAIT_MS) {
    turn.say(`${what}: waiting for the final offsets of the replicas`);
    return;
  }
  const best = rankedMembers(s).find((member) => member.uid !== s.config.self.uid);
  if (best === undefined) release(turn, `${what} and no replica may take over`);
  else {
    const decided = unfrozen.length === 0 && areAllHeard(s);
    transfer(turn, best, what, { goal: null, decided });
  }
  // A frozen Redis finds it in its queue when it thaws, before what clients sent later.
  if (!refused) turn.limbo({ cutClients: true });
}

/** The Lease stays here, so that nobody else may take it. */
function keepWhilePaused(turn: Turn, what: string): void {
  turn.say(`${what}, and failover is paused by ${turn.s.pause?.by ?? ''}: waiting for it`);
  renewIfDue(turn);
}

function restarted(turn: Turn, instance: Instance): void {
  const { s } = turn;
  if (instance.role === 'master' && !instance.loading) {
    turn.limbo({ cutClients: true });
    turn.say('the local Redis restarted as a master: fenced before anything else');
    return;
  }
  if (instance.loading) {
    if (isPaused(s) && !isLeaving(s))
      return keepWhilePaused(turn, 'the local Redis restarted and is loading');
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
