// Who may acquire the Lease, and why (STATE-MACHINE, `may`). Only proof promotes: the Lease was
// released, or its holder was silent for a whole wait, or nobody who could act exists any more.

import { DISCARD_DATA_ANNOTATION } from '../../src/names.ts';
import { adoption, unrelatedData } from './adoption.ts';
import type { Member } from './election.ts';
import { lastOpened } from './lineage.ts';
import type { AgentState, PodName } from './model.ts';
import { pauseOf } from './pause.ts';
import {
  awaitedVolume,
  candidateOf,
  expectedPods,
  heardMembers,
  leaseOf,
  leftBehind,
  legacies,
  localInstance,
  newerProtocol,
  rankedMembers,
  recordOf,
  selfMember,
  unfitness,
  unheardMembers,
  unknownData,
} from './view.ts';

/** The list of pods must not have changed for so long before a cold start (DESIGN 6). */
const COLD_START_QUIET_MS = 3000;
/** New pods of a group that was gone appear one by one: let them. */
const RETURN_QUIET_MS = 1000;
const STAGGER_MS = 50;
/** Nobody is master yet: the best member may have begun to wait later than others. */
const COLD_STAGGER_MS = 500;
/** Eligible candidates come first. */
const BEHALF_AFTER_MS = 500;

export type May =
  | {
      readonly may: true;
      readonly reason: string;
      readonly delayMs: number;
      /** Only because everybody was heard, who must be there still when it is decided. */
      readonly isByAll?: true;
    }
  /** `lookFor`: whether these are gone decides it. */
  | { readonly may: false; readonly reason: string; readonly lookFor?: readonly PodName[] };

const no = (reason: string): May => ({ may: false, reason });

/** A sentence goes to the log, to /state and to every peer: it does not grow with the group. */
export function named(pods: readonly string[]): string {
  const NAMES_MAX = 10;
  const more = pods.length - NAMES_MAX;
  return `${pods.slice(0, NAMES_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Why not everybody who could hold the newest data has spoken, or null. */
function incompleteness(state: AgentState, best: Member): string | null {
  const unheard = unheardMembers(state);
  if (unheard.length > 0) return `waiting to hear from ${named(unheard)}`;
  const strangers = unrelatedData(state);
  if (strangers.length > 0) {
    return `RO_DATA_CONFLICT: ${named(strangers)} hold data of different descent and no record tells which is right`;
  }
  const [legacy] = legacies(state);
  if (legacy !== undefined && best.keys === 0) {
    return `no member has the data of ${legacy.pod}, a master without an agent: waiting for it`;
  }
  const missing = awaitedVolume(state, best);
  return missing === null ? null : `waiting for ${missing}, whose volume holds fresher data`;
}

/** Everybody who could hold the newest data has spoken, and this member is the best of them. */
function bestOfAll(state: AgentState, self: Member, why: string): May {
  // Rule 6: who must be heard is told by the list of pods, and one may have come meanwhile.
  if (state.arePodsStale) return no('the list of pods may be old: waiting for the API server');
  const ranked = rankedMembers(state);
  const missing = incompleteness(state, ranked[0] ?? self);
  if (missing !== null) return no(missing);
  const conflict = conflictOf(state, ranked);
  if (conflict !== null) return no(conflict);
  const rank = ranked.findIndex((member) => member.uid === self.uid);
  if (rank >= 0) {
    const reason = `${why}${leftBehind(state, ranked[0] ?? self)}`;
    return { may: true, reason, delayMs: rank * COLD_STAGGER_MS, isByAll: true };
  }
  const best = ranked[0];
  if (best === undefined || !isOlder(state, best.uid)) return no(unfitness(state, self));
  // Its agent will not acquire; it leads where it is named.
  const reason = `${unfitness(state, self)}: acquiring for ${best.pod}, whose agent is older`;
  return { may: true, reason, delayMs: COLD_STAGGER_MS, isByAll: true };
}

/** Where nobody may lead: whose data of unknown descent stand in the way. */
function conflictOf(state: AgentState, ranked: readonly Member[]): string | null {
  const [unknown] = ranked.length === 0 ? unknownData(state, heardMembers(state)) : [];
  if (unknown === undefined) return null;
  const { pod, keys, replid } = unknown;
  return `RO_DATA_CONFLICT: ${pod} holds ${keys} keys of another lineage (${replid}), and nobody else has data; annotate it with ${DISCARD_DATA_ANNOTATION}=${replid} to go on without them`;
}

/** Whether this pod's agent follows an older protocol than ours. */
function isOlder(state: AgentState, uid: string): boolean {
  const { protocol } = state.config;
  return (state.peers.get(uid)?.report.protocol ?? protocol) < protocol;
}

/**
 * Rule 13: a candidate that may not lead acquires for a member that may, and hands the Lease to it. Else
 * nobody would, where what was a candidate came back empty.
 */
function onBehalf(state: AgentState, self: Member, silentMs: number): May {
  const ranked = rankedMembers(state);
  const [best] = ranked;
  if (best === undefined || best.uid === self.uid) {
    return no(conflictOf(state, ranked) ?? unfitness(state, self));
  }
  if (silentMs < state.config.timing.waitMs + BEHALF_AFTER_MS) {
    return no(`${unfitness(state, self)}, others may be`);
  }
  const missing = incompleteness(state, best);
  if (missing !== null) return no(missing);
  const reason = `${unfitness(state, self)}: acquiring for ${best.pod}`;
  return { may: true, reason, delayMs: 0 };
}

function absentLongEnough(state: AgentState, since: number): May | null {
  const waitMs = state.config.timing.waitMs;
  if (state.now - since < waitMs)
    return no('no Lease: waiting whether a living holder restores it');
  if (state.now - state.podsChangedAt < COLD_START_QUIET_MS) {
    return no('no Lease: the list of pods changed lately');
  }
  return null;
}

/** Whether the Lease may be acquired by this agent at this instant. */
export function mayAcquire(state: AgentState): May {
  const self = selfMember(state);
  const instance = localInstance(state);
  if (self === null || instance === null) return no('the local Redis does not answer');
  if (state.pods === null || state.lease.kind === 'unknown')
    return no('the group is not known yet');
  if (state.promise !== null && state.promise.until > state.now) {
    return no('this agent promised the holder not to acquire');
  }
  if (self.leaving) return no('this pod is terminating');
  const newer = newerProtocol(state);
  if (newer !== null && !isForced(state)) {
    return no(`${newer} is of a newer protocol than this agent, which follows: update it`);
  }
  const paused = isForced(state) ? null : pauseOf(state);
  if (paused !== null) return no(paused);
  const plan = adoption(state);
  if (plan.kind === 'wait') return no(plan.reason);
  if (plan.kind === 'follow')
    return no(`${plan.pod.name} is a master without an agent: following it`);
  if (plan.kind === 'inherit' && leaseOf(state)?.holder == null) {
    return bestOfAll(state, self, `${plan.pod.name}, a master without an agent, is terminating`);
  }
  if (state.lease.kind === 'absent') {
    return (
      absentLongEnough(state, state.lease.since) ??
      bestOfAll(state, self, 'nobody holds the group: best of all members')
    );
  }
  return mayTakeOver(state, self, instance.runId);
}

/** A person answers for whatever the rules would wait for. */
export function isForced(state: AgentState): boolean {
  const lease = leaseOf(state);
  return lease !== null && lease.force === lease.term;
}

/** Every candidate that is here has an older agent: none of them will acquire. */
function areAllOlder(state: AgentState): boolean {
  const isHere = new Set((state.pods ?? []).filter((pod) => !pod.terminal).map(({ uid }) => uid));
  const here = recordOf(state).candidates.filter(({ uid }) => isHere.has(uid));
  return here.length > 0 && here.every(({ uid }) => isOlder(state, uid));
}

function mayTakeOver(state: AgentState, self: Member, runId: string): May {
  const lease = leaseOf(state);
  if (lease === null || state.lease.kind !== 'present') return no('no Lease');
  if (isForced(state)) {
    // A person answers for what is missing.
    const ranked = rankedMembers(state);
    const rank = ranked.findIndex((member) => member.uid === self.uid);
    if (rank < 0)
      return no(conflictOf(state, ranked) ?? `forced in vain: ${unfitness(state, self)}`);
    const reason = `${lease.forcedBy ?? 'a person'} forced an election in term ${lease.term}`;
    return { may: true, reason, delayMs: rank * COLD_STAGGER_MS };
  }
  const silentMs = state.now - state.lease.unchangedSince;
  const isSilent = silentMs >= state.config.timing.waitMs;
  const isReleased = lease.holder === null;
  const listed = candidateOf(state);
  if (listed !== null && !isReleased && !isSilent) return no('the holder is alive');
  const rank = rankedMembers(state).findIndex((member) => member.uid === self.uid);
  if (listed !== null && listed.runId === runId) {
    if (rank < 0) return onBehalf(state, self, silentMs);
    const reason = isReleased
      ? `term ${lease.term} was released`
      : `the holder ${lease.holder?.pod ?? ''} was silent for ${Math.round(silentMs)} ms`;
    // Before anybody was master, who is a candidate was only there, with whatever data.
    if (lastOpened(recordOf(state)) === undefined) return bestOfAll(state, self, reason);
    return { may: true, reason, delayMs: rank * STAGGER_MS };
  }
  if (areAllGone(state)) {
    // A pod object that is gone proves nothing of its process: it may hold on until its validity ends.
    if (!isReleased && !isSilent) return no('the holder is gone, but its Lease is not old enough');
    if (state.now - state.podsChangedAt < RETURN_QUIET_MS)
      return no('pods of the group are coming');
    const lookFor = incumbents(state).filter(({ uid }) => !state.gonePods.has(uid));
    if (lookFor.length > 0) {
      const reason = 'asking the API server whether the holder and every candidate are gone';
      return { may: false, reason, lookFor };
    }
    return bestOfAll(state, self, 'the holder and every candidate are gone: best of all members');
  }
  if (isReleased && silentMs >= state.config.timing.validityMs) {
    return bestOfAll(state, self, `term ${lease.term} was released`);
  }
  if (listed !== null && isSilent) {
    if (rank < 0) return onBehalf(state, self, silentMs);
    return bestOfAll(state, self, `the holder was silent for ${Math.round(silentMs)} ms`);
  }
  if (listed === null && isSilent && areAllOlder(state)) {
    return bestOfAll(state, self, 'every candidate has an older agent, which does not acquire');
  }
  return no(listed === null ? 'this member is no candidate' : 'the holder is alive');
}

/** The holder and every candidate. */
function incumbents(state: AgentState): readonly PodName[] {
  const { holder } = leaseOf(state) ?? {};
  const { candidates } = recordOf(state);
  return holder == null ? candidates : [holder, ...candidates];
}

/** By the watch, the incumbents are absent or terminal by UID: scaled to 0 and back. */
function areAllGone(state: AgentState): boolean {
  if (leaseOf(state) === null || state.pods === null) return false;
  const living = new Set(state.pods.filter((pod) => !pod.terminal).map((pod) => pod.uid));
  if (incumbents(state).some(({ uid }) => living.has(uid))) return false;
  return expectedPods(state).some((pod) => pod.uid === state.config.self.uid);
}
