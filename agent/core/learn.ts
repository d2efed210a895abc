// What an event tells the state, before the rows act on it.

import { promiseIfAsked } from './failsafe.ts';
import { isGoalOpen, learnGiver } from './goal.ts';
import type {
  AgentEvent,
  AgentState,
  LeaseView,
  LocalRedis,
  RedisResult,
  Unmanaged,
} from './model.ts';
import type { Turn } from './turn.ts';
import {
  isHolder,
  isLimbo,
  isValid,
  leaseOf,
  PEER_LIVE_MS,
  PEERS_MAX,
  recordOf,
  seenTerm,
} from './view.ts';

const KUBE_DENIED = 'RO_KUBE_DENIED';
const KUBE_REFUSED = 'RO_KUBE_REQUEST';
/** After so many promotions in a row without an answer it counts as a Redis that refuses. */
const BREAKS_MAX = 2;
/** Of volumes that are gone: who is forgotten is looked for again. */
const GONE_VOLUMES_MAX = 100;
/** The holder and all candidates, twice over. */
const GONE_PODS_MAX = 2 * (PEERS_MAX + 2);

export function learn(turn: Turn, event: AgentEvent): void {
  const { s } = turn;
  switch (event.kind) {
    case 'tick':
      return;
    case 'redis':
      return learnRedis(turn, event.redis);
    case 'lease':
      return learnLease(turn, event.lease);
    case 'pods':
      s.arePodsStale = event.isStale === true;
      return learnPods(turn, event.pods);
    case 'peer': {
      const { report, startedEpochMs } = event;
      const known = s.peers.get(report.podUID);
      if (s.peers.size >= PEERS_MAX && known === undefined) return;
      const isSame = known?.report.agentId === report.agentId && s.now - known.at <= PEER_LIVE_MS;
      const since = isSame ? known.since : s.now;
      const peer = { report, startedEpochMs, at: s.now, since };
      s.peers = new Map(s.peers).set(report.podUID, peer);
      return promiseIfAsked(turn, report);
    }
    case 'unmanaged': {
      const known = s.unmanaged.get(event.uid);
      // A master that stopped answering while it leaves is still the one whose data we inherit.
      const pod = s.pods?.find((candidate) => candidate.uid === event.uid);
      if (known?.reachable === true && !event.probe.reachable && pod?.leaving !== false) return;
      // The limbo that was asked for from here, seen before it was answered: its offset is final.
      const wasMaster = known?.reachable === true && known.instance.role === 'master';
      const isStopped = event.probe.reachable && isLimbo(event.probe.instance);
      if (s.phase === 'Deciding' && wasMaster && event.probe.reachable && isStopped) {
        s.remoteGoal = event.probe.instance.offset;
      }
      s.unmanaged = new Map(s.unmanaged).set(event.uid, event.probe);
      return;
    }
    case 'lease-written':
      return learnWritten(turn, event);
    case 'redis-done':
      return learnRedisDone(turn, event);
    case 'remote-fenced':
      if (event.isLocked === true) {
        s.lockedOut = new Map(s.lockedOut).set(event.uid, s.now);
        return;
      }
      // One visit in vain does not make a process that lives a dead one.
      if (!event.isConfirmed && s.lockedOut.has(event.uid)) return;
      s.lockedOut = new Map([...s.lockedOut].filter(([uid]) => uid !== event.uid));
      // A leader asks those again that did not answer.
      if (event.isConfirmed || s.phase !== 'Leading') s.fenced = new Set(s.fenced).add(event.uid);
      if (event.instance !== null) {
        s.fencedInstances = new Map(s.fencedInstances).set(event.uid, event.instance);
      }
      if (event.instance !== null && s.unmanaged.has(event.uid))
        s.remoteGoal = event.instance.offset;
      if (event.uid === recordOf(s).previous?.uid && isGoalOpen(s)) {
        learnGiver(turn, event.instance, event.isConfirmed);
      }
      return;
    case 'stalled':
      return learnStall(turn, event.unwatchedMs);
    case 'kill-fault':
      s.killFault = event.fault;
      return;
    case 'volume-gone':
      s.goneVolumes = new Set([...s.goneVolumes, event.volume].slice(-GONE_VOLUMES_MAX));
      return;
    case 'request':
      // Whether it was answered, only the agent before this one knew.
      if (s.requestAtStart === undefined) s.requestAtStart = event.request?.id ?? null;
      s.request = event.request;
      return;
    case 'pause':
      s.pause = event.pause;
      return;
    case 'pod-gone':
      s.gonePods = new Set([...s.gonePods, event.uid].slice(-GONE_PODS_MAX));
      return;
    case 'terminate':
      s.terminating = true;
      return;
  }
}

/** What was not watched is no silence, and no time of a promise; what was watched before still counts. */
function learnStall({ s }: Turn, unwatchedMs: number): void {
  const moved = (since: number): number => Math.min(s.now, since + unwatchedMs);
  if (s.lease.kind === 'present') {
    s.lease = { ...s.lease, unchangedSince: moved(s.lease.unchangedSince) };
  }
  if (s.lease.kind === 'absent') s.lease = { ...s.lease, since: moved(s.lease.since) };
  if (s.promise !== null) s.promise = { ...s.promise, until: s.promise.until + unwatchedMs };
  s.maySince = null;
}

function learnPods(turn: Turn, pods: AgentState['pods']): void {
  const { s } = turn;
  const names = (list: AgentState['pods']): string =>
    (list ?? []).map((pod) => `${pod.uid}${pod.leaving}${pod.ip}`).join();
  if (s.pods === null || names(s.pods) !== names(pods)) s.podsChangedAt = s.now;
  s.pods = pods;
  const uids = new Set((pods ?? []).map((pod) => pod.uid));
  s.peers = new Map([...s.peers].filter(([uid]) => uids.has(uid)));
  // Nobody else is fenced again: neither listed nor a candidate.
  const fenceable = new Set([...recordOf(s).candidates, ...s.ghosts].map(({ uid }) => uid));
  const isFenceable = (uid: string): boolean => uids.has(uid) || fenceable.has(uid);
  s.fenced = new Set([...s.fenced].filter(isFenceable));
  // What a vanished master without agent held is inherited, unless its volume died with it.
  const isKept = ([uid, probe]: [string, Unmanaged]): boolean =>
    uids.has(uid) || (leaseOf(s) === null && probe.reachable && probe.volume.startsWith('pvc/'));
  s.unmanaged = new Map([...s.unmanaged].filter(isKept));
}

function learnRedis(turn: Turn, redis: LocalRedis): void {
  const { s } = turn;
  const before = s.redis?.reachable === true ? s.redis.instance : null;
  if (redis.reachable) {
    const known = before ?? (s.redis?.reachable === false ? s.redis.last : null);
    if (known !== null && known.runId !== redis.instance.runId) {
      s.frozenTerm = null;
      s.attachment = null;
      s.promoteFailures = 0;
      s.promoteBreaks = 0;
    }
    // Frozen is promised only while the instance really is in limbo (rule 23).
    if (!isLimbo(redis.instance)) s.frozenTerm = null;
    s.redis = redis;
    return;
  }
  s.redis = s.redis?.reachable === false ? { ...redis, since: s.redis.since } : redis;
  if (redis.refused) s.frozenTerm = null;
}

function leaseFace(lease: LeaseView): string {
  return `${lease.holder?.pod}_${lease.holder?.uid}_${lease.holder?.agentId} ${lease.term} ${lease.renewTime}`;
}

function isOlder(a: LeaseView, b: LeaseView): boolean {
  return BigInt(a.resourceVersion) < BigInt(b.resourceVersion);
}

function learnLease(turn: Turn, lease: LeaseView | null): void {
  const { s } = turn;
  if (lease === null) {
    if (s.lease.kind !== 'absent') s.lease = { kind: 'absent', since: s.now, last: leaseOf(s) };
    s.firstTerm ??= seenTerm(s);
    s.unsure = false;
    return;
  }
  s.firstTerm ??= lease.term;
  const known = leaseOf(s);
  if (known !== null && isOlder(lease, known)) return;
  // A newer version than the one that an unknown swap was based on decides it (rule 2).
  if (known !== null && s.pendingWrite === null && isOlder(known, lease)) {
    s.unsure = false;
    s.attempted = new Set();
  }
  // An attachment that failed on an older id need not wait any longer.
  const newest = lease.record.lineage.at(-1)?.replid;
  if (newest !== known?.record.lineage.at(-1)?.replid) s.attachFailedAt = Number.NEGATIVE_INFINITY;
  const isSame = known !== null && leaseFace(known) === leaseFace(lease);
  const unchangedSince = isSame && s.lease.kind === 'present' ? s.lease.unchangedSince : s.now;
  s.lease = { kind: 'present', lease, unchangedSince };
  // Whoever leads now may have answered a later request: an older answer must not take its place.
  if (lease.record.answered === s.answerToRecord || !isHolder(s)) s.answerToRecord = null;
  // Peers have a while to freeze in each term, however this agent learns that it began.
  if (s.phase === 'Deciding' && known !== null && lease.term > known.term) turn.begin('Deciding');
}

function learnWritten(turn: Turn, event: Extract<AgentEvent, { kind: 'lease-written' }>): void {
  const { s } = turn;
  const pending = s.pendingWrite;
  if (pending === null || pending.id !== event.id) return;
  s.pendingWrite = null;
  const { op } = pending.write;
  const isOurs = op !== 'transfer' && op !== 'release';
  if (event.lease !== null) learnLease(turn, event.lease);
  if (event.outcome === 'ok') {
    s.writeFailures = 0;
    s.unsure = false;
    s.attempted = new Set();
    const isOfLease = [KUBE_DENIED, KUBE_REFUSED].some(
      (code) => s.problem?.startsWith(code) === true,
    );
    if (isOfLease) s.problem = null;
    if (!isOurs) {
      s.validUntil = Number.NEGATIVE_INFINITY;
      turn.enter('Fencing', s.reason);
      return;
    }
    s.renewSentAt = pending.sentAt;
    s.validUntil = Math.max(s.validUntil, pending.sentAt + s.config.timing.validityMs);
    return;
  }
  s.writeFailedAt = s.now;
  s.writeFailures++;
  if (event.outcome === 'conflict') {
    // The version moved on: whatever we wanted did not happen. Without the newer one, nothing
    // is known of an earlier swap.
    if (event.lease !== null) s.unsure = false;
    s.writeFailures = event.lease === null ? s.writeFailures : 0;
  }
  if (event.outcome === 'error' && !isHolder(s)) {
    s.problem = `${KUBE_REFUSED}: the Lease of the group cannot be acquired: ${event.detail ?? 'an error of the API server'}`;
  }
  if (event.outcome === 'denied') {
    if (s.phase === 'HandingOver') s.handoverFailedAt = s.now;
    s.problem = `${KUBE_DENIED}: the service account may not write the Lease of the group`;
  }
}

function failureCode(detail: string): string {
  const isDenied = /NOPERM|unknown command|EXECABORT/i.test(detail);
  return isDenied ? 'RO_REDIS_COMMAND_DENIED' : 'RO_REDIS_UNREACHABLE';
}

/** Until it is in limbo: it may be a second master, of which nobody else can say why it lasts. */
const NOT_STOPPED = 'this Redis does not let its agent put it into limbo';

function learnLimbo({ s }: Turn, result: RedisResult): void {
  if (result.ok) {
    s.limboRefusals = 0;
    if (s.problem?.includes(NOT_STOPPED) === true) s.problem = null;
    if (s.phase === 'HandingOver') s.stoppedAt = s.now;
  } else if (result.replied === true) {
    s.limboRefusals++;
    s.problem = `${failureCode(result.detail)}: ${NOT_STOPPED}: ${result.detail}`;
  }
}

function learnRedisDone(turn: Turn, event: Extract<AgentEvent, { kind: 'redis-done' }>): void {
  const { s } = turn;
  const pending = s.pendingRedis;
  if (pending === null || pending.id !== event.id) return;
  s.pendingRedis = null;
  const { result } = event;
  if (result.ok) {
    s.redis = { reachable: true, instance: result.instance, seenAt: s.now };
    if (!isLimbo(result.instance)) s.frozenTerm = null;
  } else {
    s.redisFailedAt = s.now;
    if (pending.kind === 'promote' || pending.kind === 'open') s.promoteFailedAt = s.now;
  }
  switch (pending.kind) {
    case 'limbo':
      return learnLimbo(turn, result);
    case 'guard':
      // Where nothing is known of it, it may stand.
      s.isGuarded = true;
      return;
    case 'attach':
      if (result.ok) return;
      s.attachFailedAt = s.now;
      s.attachment = null;
      turn.enter('Fenced', `could not replicate: ${result.detail}`);
      return;
    case 'promote':
      if (s.phase !== 'Promoting') return;
      if (!result.ok) {
        // A connection that broke says nothing of this Redis, which may have the freshest data: it is asked again.
        if (result.replied === true || s.promoteBreaks >= BREAKS_MAX) s.promoteFailures++;
        else s.promoteBreaks++;
        s.problem = `${failureCode(result.detail)}: the promotion failed: ${result.detail}`;
        turn.enter('Fencing', `the promotion failed: ${result.detail}`);
      } else if (isValid(s) && isHolder(s)) turn.open();
      else turn.enter('Fencing', 'validity ended during the promotion');
      return;
    case 'open': {
      if (result.ok) {
        s.isGuarded = false;
        s.isIsolated = pending.isolated === true;
      }
      if (s.phase !== 'Promoting') return;
      if (!result.ok) {
        s.problem = `${failureCode(result.detail)}: opening writes failed: ${result.detail}`;
        return turn.enter('Fencing', `opening writes failed: ${result.detail}`);
      }
      const lease = leaseOf(s);
      if (lease === null)
        return turn.enter('Fencing', 'the Lease was deleted during the promotion');
      s.promoteFailures = 0;
      s.promoteBreaks = 0;
      s.opened = {
        term: lease.term,
        runId: result.instance.runId,
        replid: result.instance.replid,
      };
      s.problem = null;
      turn.enter('Leading', `master of term ${s.opened.term}`);
    }
  }
}
