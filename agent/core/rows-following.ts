// Rows of Fenced, Following, Acquiring and Fencing: everybody who is not master.

import { adoption } from './adoption.ts';
import { DISCARD_DATA_ANNOTATION } from '../../src/names.ts';
import { isForced, mayAcquire } from './acquire.ts';
import { isHeldBack, progress } from './attachment.ts';
import { isGoalOpen } from './goal.ts';
import { killIfFrozen } from './kill.ts';
import { isOfLineage, mayBeOverwritten } from './lineage.ts';
import type { AgentState, GroupRecord, Instance } from './model.ts';
import { holdsForPredecessor, takeOverOwn } from './rows-boot.ts';
import { type Turn, UNDECIDED } from './turn.ts';
import {
  expectedPods,
  isHolder,
  isLimbo,
  leaseOf,
  localInstance,
  rankedMembers,
  recordOf,
  seenTerm,
  selfMember,
  selfPod,
} from './view.ts';

/** Of the problem of a fence that takes longer than F: a challenger may not wait any longer. */
const FENCE_LATE = 'RO_FENCE_LATE';
const ATTACH_RETRY_MS = 200;
const ACQUIRE_REPEAT_MS = 600;
const LOOK_FOR_PODS_MS = 1000;
/** A second full sync may be held back like the first: it is not hurried as often. */
const HELD_BACK_RETRY_MS = 2000;

export function fencing(turn: Turn): void {
  const { s } = turn;
  const instance = localInstance(s);
  const isGone = s.redis?.reachable === false && s.redis.refused;
  if (isGone || (instance?.role === 'replica' && s.pendingRedis === null)) {
    const isLate = s.problem?.startsWith(FENCE_LATE) === true;
    const lateReason = `fenced after ${Math.round(turn.elapsedMs())} ms`;
    if (isLate) s.problem = null;
    turn.enter(
      'Fenced',
      isGone ? 'fenced: the local Redis is gone' : isLate ? lateReason : s.reason,
    );
    return;
  }
  if (turn.elapsedMs() >= s.config.timing.fenceMs) {
    s.problem = `${FENCE_LATE}: limbo is not confirmed ${s.config.timing.fenceMs} ms after the Lease was lost: this Redis may still take writes`;
    turn.say(s.problem);
  }
  killIfFrozen(turn);
  turn.limbo({ cutClients: true });
}

export function followingOrFenced(turn: Turn): void {
  const { s } = turn;
  const instance = localInstance(s);
  if (instance?.role === 'master') {
    turn.limbo({ cutClients: true });
    turn.enter('Fenced', 'this Redis is master without holding the Lease: fenced');
    return;
  }
  if (isHolder(s)) return becomeDecider(turn);
  if (holdsForPredecessor(turn)) return takeOverOwn(turn);
  if (instance === null) {
    if (s.phase === 'Following') turn.enter('Fenced', 'the local Redis does not answer');
    return;
  }
  if (isLimbo(instance) && s.pendingRedis === null) {
    // In limbo the offset is final: the promise costs nothing.
    s.frozenTerm = Math.max(s.frozenTerm ?? 0, seenTerm(s));
  }
  if (mustFreeze(turn)) return;
  if (tryAcquire(turn)) return;
  if (s.phase === 'Following') following(turn);
  else fencedAttach(turn);
}

function becomeDecider(turn: Turn): void {
  const { s } = turn;
  const lease = leaseOf(s);
  if (lease === null) return;
  const seen = seenTerm(s);
  if (seen > lease.term) {
    // An older Lease came back: promote only in a term that nobody has seen (rule 9). Whoever began that
    // one must hear that the offset here is final.
    const instance = localInstance(s);
    if (instance !== null && isLimbo(instance) && s.pendingRedis === null) s.frozenTerm = seen;
    if (!turn.canWrite()) return;
    const reason = `term ${seen} was seen, the Lease is of term ${lease.term}`;
    // A giver that may serve still is waited for in the new term as well.
    const { goal } = isGoalOpen(s) ? recordOf(s) : UNDECIDED;
    turn.writeLease('acquire', seen + 1, s.config.self, { ...UNDECIDED, goal }, reason);
    turn.enter('Acquiring', `acquiring term ${seen + 1}: ${reason}`);
    return;
  }
  // Rule 21: validity of a nominee runs from when it sent the report that the swap was based on.
  // A basis ahead of this clock is from before the machine was booted: it proves nothing.
  if (lease.record.basisMs !== null && lease.record.basisMs <= s.now) {
    s.validUntil = Math.max(s.validUntil, lease.record.basisMs + s.config.timing.validityMs);
  }
  turn.enter('Deciding', `the Lease names this pod in term ${lease.term}`);
}

/**
 * Whom this Redis replicates from, or is being told to. An attachment under way promises no offset, and
 * a master that is gone would hold that up for as long as it is waited for: a new holder waits less.
 */
function upstreamHost({ pendingRedis, attachment }: AgentState, seen: Instance): string | null {
  if (pendingRedis?.kind === 'attach') return attachment?.host ?? null;
  return isLimbo(seen) ? null : (seen.upstream?.host ?? null);
}

/** A later term than the frozen one was seen: stop, with a final offset, unless we follow it. */
function mustFreeze(turn: Turn): boolean {
  const { s } = turn;
  const instance = localInstance(s);
  const upstream = instance === null ? null : upstreamHost(s, instance);
  if (upstream === null) return false;
  const holder = leaseOf(s)?.holder ?? null;
  const address = s.pods?.find((pod) => pod.uid === holder?.uid)?.ip ?? null;
  const followsHolder = address !== null && upstream === address;
  const newest = recordOf(s).lineage.at(-1);
  const isOpened = newest !== undefined && newest.term === leaseOf(s)?.term;
  // A holder that begins another term compares frozen offsets: its own replicas stop as well.
  if (followsHolder && isOpened) return false;
  const plan = adoption(s);
  if (plan.kind === 'follow' || plan.kind === 'inherit') {
    if (upstream === plan.pod.ip) return false;
  } else if (s.lease.kind !== 'present' && s.phase === 'Following' && seenTerm(s) === 0) {
    // No Lease yet: what a person attached by hand stays until somebody is elected.
    return false;
  }
  turn.limbo({ cutClients: false });
  turn.enter('Fenced', `term ${seenTerm(s)} began: stopped replicating from ${upstream}`);
  return true;
}

function tryAcquire(turn: Turn): boolean {
  const { s } = turn;
  const answer = mayAcquire(s);
  if (!answer.may) {
    s.maySince = null;
    s.problem = s.phase === 'Fenced' ? answer.reason : null;
    if (answer.lookFor !== undefined && s.now - s.lookedForPodsAt >= LOOK_FOR_PODS_MS) {
      s.lookedForPodsAt = s.now;
      turn.effects.push({ kind: 'look-for-pods', pods: answer.lookFor });
    }
    return false;
  }
  s.maySince ??= s.now;
  if (s.now - s.maySince < answer.delayMs || !turn.canWrite()) return false;
  const lease = leaseOf(s);
  const RECREATED_TERM_GAP = 100;
  const seen = seenTerm(s);
  const term = lease !== null ? seen + 1 : seen === 0 ? 1 : seen + RECREATED_TERM_GAP;
  const previousPod = s.pods?.find((pod) => pod.uid === lease?.holder?.uid);
  const previous =
    previousPod === undefined || previousPod.ip === null
      ? null
      : { pod: previousPod.name, uid: previousPod.uid, address: previousPod.ip };
  if (isForced(s)) s.forcedTerm = term;
  if (answer.isByAll === true) s.termByAll = term;
  turn.writeLease(
    'acquire',
    term,
    turn.s.config.self,
    { ...UNDECIDED, previous, ...firstCandidates(turn) },
    answer.reason,
  );
  turn.enter('Acquiring', `acquiring term ${term}: ${answer.reason}`);
  return true;
}

/** Without any candidate nobody could go on where the first acquirer dies before it is master. */
function firstCandidates(turn: Turn): Partial<GroupRecord> {
  const { s } = turn;
  if (recordOf(s).candidates.length > 0) return {};
  const runIds = new Map(rankedMembers(s).map((member) => [member.uid, member.runId]));
  const candidates = expectedPods(s).flatMap(({ name, uid, ip }) => {
    const runId = runIds.get(uid);
    return runId === undefined ? [] : [{ pod: name, uid, address: ip ?? '', runId }];
  });
  return { candidates };
}

function following(turn: Turn): void {
  const { s } = turn;
  const instance = localInstance(s);
  if (instance === null || s.pendingRedis !== null) return;
  if (s.attachment !== null) s.attachment = progress(s, s.attachment, instance);
  if (s.attachment !== null && isHeldBack(s, s.attachment)) {
    if (s.now - s.heldBackAt < HELD_BACK_RETRY_MS) return;
    s.heldBackAt = s.now;
    turn.limbo({ cutClients: false });
    turn.enter('Fenced', 'the master holds its stream back after the first sync: attaching again');
    return;
  }
  if (s.attachment?.linkUpAt != null && !instance.linkUp && !instance.syncing) {
    // It is gone or soon back: asking at once would only unfreeze the offset that its agent asks for.
    s.attachFailedAt = s.now;
    turn.limbo({ cutClients: false });
    turn.enter('Fenced', 'the link to the master broke: replication stopped with a final offset');
    return;
  }
  if (isLimbo(instance) || instance.upstream?.host !== s.attachment?.host) {
    if (!isLimbo(instance)) turn.limbo({ cutClients: false });
    turn.enter(
      'Fenced',
      `replicates from ${instance.upstream?.host ?? 'nobody'} against the record`,
    );
  }
}

/** Fenced: attach to the master of this term, where that destroys nothing. */
function fencedAttach(turn: Turn): void {
  const { s } = turn;
  const self = selfMember(s);
  if (self === null || self.loading || s.pendingRedis !== null) return;
  if (s.now - s.attachFailedAt < ATTACH_RETRY_MS) return;
  const plan = adoption(s);
  if (plan.kind === 'follow') {
    attachTo(turn, plan.pod.name, plan.pod.ip, plan.instance);
    return;
  }
  const lease = leaseOf(s);
  const record = recordOf(s);
  const newest = record.lineage.at(-1);
  if (lease?.holder == null || self.leaving) return;
  if (newest === undefined || newest.term !== lease.term) return;
  // The volume is recorded before its pod attaches (rule 12); what must not be overwritten never
  // is, and attachTo says so.
  const isRecorded = record.datasets[self.pod]?.volume === self.volume;
  if (!isRecorded && isOfLineage(self, record)) return;
  const master = s.pods?.find((pod) => pod.uid === lease.holder?.uid);
  if (master === undefined) return;
  if (s.peers.get(master.uid)?.report.instance === null) return;
  attachTo(turn, master.name, master.ip, { replid: newest.replid, replid2: newest.replid });
}

function attachTo(
  turn: Turn,
  name: string,
  host: string | null,
  target: { replid: string; replid2: string },
): void {
  const { s } = turn;
  const self = selfMember(s);
  if (self === null || host === null) return;
  const discard = selfPod(s)?.discardData ?? null;
  if (!mayBeOverwritten(self, recordOf(s), target, discard)) {
    s.problem = `RO_DATA_CONFLICT: this Redis holds ${self.keys} keys of another lineage (${self.replid}); annotate the pod with ${DISCARD_DATA_ANNOTATION}=${self.replid} to let them be overwritten`;
    turn.say(s.problem);
    return;
  }
  s.problem = null;
  turn.attach(host, target.replid);
  turn.enter('Following', `replicating from ${name} (${host})`);
}

export function acquiring(turn: Turn): void {
  const { s } = turn;
  const pending = s.pendingWrite;
  if (pending !== null) return;
  if (isHolder(s)) {
    turn.enter('Deciding', s.reason);
    return;
  }
  if (turn.elapsedMs() >= ACQUIRE_REPEAT_MS || s.writeFailures === 0) {
    turn.enter(
      'Fenced',
      `the Lease was not acquired; it names ${leaseOf(s)?.holder?.pod ?? 'nobody'}`,
    );
  }
}
