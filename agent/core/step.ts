// The agent's state machine: step(state, event) → { state, effects, reason }. Pure: no I/O, no
// clock, no randomness. An event first updates what is known; then the first matching row acts.

import { electionTimes } from './election-time.ts';
import { runFailsafe } from './failsafe.ts';
import { handingOver } from './handover.ts';
import { isHeartbeat } from './heartbeat.ts';
import { learn } from './learn.ts';
import type { AgentEvent, AgentState, CoreConfig, StepResult } from './model.ts';
import { boot } from './rows-boot.ts';
import { deciding, promoting } from './rows-deciding.ts';
import { acquiring, fencing, followingOrFenced } from './rows-following.ts';
import { leading } from './rows-leading.ts';
import { concludeRequest } from './switchover.ts';
import { Turn } from './turn.ts';
import { unwritableSince } from './unwritable.ts';
import { leaseOf } from './view.ts';

export function initialState(config: CoreConfig, now: number): AgentState {
  return {
    config,
    now,
    phase: 'Boot',
    phaseSince: now,
    bootedAt: now,
    redis: null,
    unwritableSince: null,
    lease: { kind: 'unknown' },
    pods: null,
    arePodsStale: false,
    podsChangedAt: now,
    peers: new Map(),
    unmanaged: new Map(),
    frozenTerm: null,
    attachment: null,
    heldBackAt: Number.NEGATIVE_INFINITY,
    attachFailedAt: Number.NEGATIVE_INFINITY,
    validUntil: Number.NEGATIVE_INFINITY,
    renewSentAt: Number.NEGATIVE_INFINITY,
    firstTerm: null,
    promotedIn: 0,
    opened: null,
    fenced: new Set(),
    fencedInstances: new Map(),
    lockedOut: new Map(),
    fenceAskedAt: -1,
    ghosts: [],
    remoteGoal: null,
    giverAskedAt: Number.NEGATIVE_INFINITY,
    pendingRedis: null,
    redisFailedAt: Number.NEGATIVE_INFINITY,
    limboRefusals: 0,
    pendingWrite: null,
    unsure: false,
    writeFailedAt: Number.NEGATIVE_INFINITY,
    writeFailures: 0,
    promoteFailedAt: Number.NEGATIVE_INFINITY,
    promoteFailures: 0,
    promoteBreaks: 0,
    attempted: new Set(),
    goneVolumes: new Set(),
    gonePods: new Set(),
    lookedForPodsAt: Number.NEGATIVE_INFINITY,
    terminating: false,
    request: null,
    requestAtStart: undefined,
    answer: null,
    answerToRecord: null,
    switchover: null,
    pause: null,
    electionAt: null,
    goalAt: null,
    goalMissedIn: null,
    promotion: null,
    lost: null,
    isGuarded: false,
    isIsolated: false,
    killAsked: null,
    killFault: null,
    stoppedAt: null,
    drainedTo: null,
    handoverFailedAt: Number.NEGATIVE_INFINITY,
    failsafe: { round: 0, startedAt: Number.NEGATIVE_INFINITY },
    promise: null,
    forcedTerm: null,
    termByAll: null,
    maySince: null,
    nextId: 1,
    reason: 'the agent starts',
    problem: null,
  };
}

/** `now`: boot-time milliseconds; never less than at the step before. */
export function step(state: AgentState, event: AgentEvent, now: number): StepResult {
  const turn = new Turn(state);
  turn.s.now = Math.max(state.now, now);
  const isNews = !isHeartbeat(state, event);
  learn(turn, event);
  turn.s.unwritableSince = unwritableSince(turn.s);
  if (isNews) act(turn);
  Object.assign(turn.s, electionTimes(state, turn.s));
  return turn.result(isNews);
}

/** Whether the Lease names a younger agent of this very pod: we were replaced (row 1). */
function isReplaced(s: AgentState): boolean {
  const holder = leaseOf(s)?.holder;
  const { uid, agentId } = s.config.self;
  return holder?.uid === uid && holder.agentId > agentId;
}

function act(turn: Turn): void {
  const { s } = turn;
  if (isReplaced(s)) {
    turn.exit('the Lease names a newer agent of this pod: leaving Redis to it', 0);
    return;
  }
  runFailsafe(turn);
  actInPhase(turn);
  concludeRequest(turn);
}

function actInPhase(turn: Turn): void {
  switch (turn.s.phase) {
    case 'Boot':
      return boot(turn);
    case 'Fencing':
      return fencing(turn);
    case 'Fenced':
    case 'Following':
      return followingOrFenced(turn);
    case 'Acquiring':
      return acquiring(turn);
    case 'Deciding':
      return deciding(turn);
    case 'Promoting':
      return promoting(turn);
    case 'Leading':
      return leading(turn);
    case 'HandingOver':
      return handingOver(turn);
  }
}
