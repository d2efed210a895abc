// What this agent tells its peers and everybody: the body of /state, from the state alone.

import { adoption } from './adoption.ts';
import { isDenied, problemOf } from './ailment.ts';
import {
  type AgentReport,
  type InstanceReport,
  type PauseReport,
  type RoleName,
  type RouteReport,
} from '../../src/wire.ts';
import { isInSync } from './attachment.ts';
import { finalOffset } from './handover.ts';
import { isolationWeakness } from './isolation.ts';
import { killWeakness } from './kill.ts';
import type { AgentState, Instance } from './model.ts';
import { isPaused } from './pause.ts';
import {
  isLeaving,
  isLimbo,
  leaseOf,
  localInstance,
  PEER_LIVE_MS,
  priorityOf,
  seenTerm,
} from './view.ts';

/** What the state does not hold: names, and the wall clock of this moment. */
export type ReportContext = {
  readonly namespace: string;
  readonly group: string;
  readonly podIP: string;
  readonly version: string;
  readonly clockMs: number;
  /** Wall clock minus the boot-time clock. */
  readonly epochOffsetMs: number;
  readonly lastDecision: { readonly reason: string; readonly at: string } | null;
  readonly route: readonly RouteReport[];
  readonly apiRequests: number;
};

function roleOf(state: AgentState): RoleName {
  const instance = localInstance(state);
  if (instance === null) return 'unknown';
  if (instance.role === 'master') return 'master';
  return isLimbo(instance) ? 'limbo' : 'replica';
}

function instanceReport(state: AgentState, instance: Instance): InstanceReport {
  const {
    upstream,
    role: _role,
    startedEpochMs: _started,
    obstacle: _obstacle,
    takesWrites: _takesWrites,
    ...rest
  } = instance;
  const priority = priorityOf(state, instance);
  return {
    ...rest,
    priority,
    upstream: upstream === null ? null : `${upstream.host}:${upstream.port}`,
  };
}

/** Offset of the master as last reported, to tell how far behind a replica is. */
export function masterOffset(state: AgentState): number | null {
  const uid = leaseOf(state)?.holder?.uid;
  if (uid === undefined) return null;
  if (uid === state.config.self.uid) return localInstance(state)?.offset ?? null;
  return state.peers.get(uid)?.report.offset ?? null;
}

export function lag(master: number | null, own: number | null): number | null {
  return master === null || own === null ? null : Math.max(0, master - own);
}

/** Why this instance cannot serve as it should, or null. */
export function unhealthiness(state: AgentState): string | null {
  const instance = localInstance(state);
  if (instance === null) {
    return state.redis?.reachable === false
      ? `the local Redis does not answer: ${state.redis.detail}`
      : 'the local Redis was not reached yet';
  }
  if (instance.loading) return 'the local Redis is loading its dataset';
  return problemOf(state);
}

/**
 * Why this pod should not count as ready, or null. A replica is ready once it is in sync with a
 * master that is there: so a rolling restart goes on only when nothing can be lost. Without a
 * master everybody is ready, for an ordered start would else wait for ever.
 */
export function unreadiness(state: AgentState): string | null {
  const instance = localInstance(state);
  if (instance === null) return unhealthiness(state);
  if (instance.loading) return 'the local Redis is loading its dataset';
  // Where pods are replaced one by one, the next one stays as it is until this is mended.
  if (isDenied(state)) return problemOf(state);
  if (state.phase === 'Boot') return 'the agent has just started';
  // Who does not know the group cannot tell whether it lacks something.
  if (state.pods === null || state.lease.kind === 'unknown') {
    return 'the API server has not told of the group yet';
  }
  const plan = adoption(state);
  if (plan.kind === 'wait') return plan.reason;
  const holder = state.peers.get(leaseOf(state)?.holder?.uid ?? '');
  const isLive = holder !== undefined && state.now - holder.at <= PEER_LIVE_MS;
  const hasMaster = plan.kind === 'follow' || (isLive && holder.report.isMaster);
  if (!hasMaster || instance.role === 'master' || isInSync(state, instance)) return null;
  return problemOf(state) ?? 'this replica is not in sync with the master yet';
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function pauseReport(state: AgentState, { epochOffsetMs }: ReportContext): PauseReport | null {
  if (state.pause === null || !isPaused(state)) return null;
  const { by, reason, until } = state.pause;
  return { by, reason, until: iso(until + epochOffsetMs) };
}

export function reportOf(state: AgentState, context: ReportContext): AgentReport {
  const instance = localInstance(state);
  const master = masterOffset(state);
  const known = instance ?? (state.redis?.reachable === false ? state.redis.last : null);
  const seenAt = state.redis?.reachable === true ? state.redis.seenAt : state.redis?.since;
  const role = roleOf(state);
  return {
    podName: state.config.self.pod,
    podIP: context.podIP,
    podUID: state.config.self.uid,
    namespace: context.namespace,
    isMaster: role === 'master' && state.phase === 'Leading',
    isHealthy: unhealthiness(state) === null,
    startupTime: known === null ? null : iso(known.startedEpochMs),
    lastSeen: seenAt === undefined ? null : iso(seenAt + context.epochOffsetMs),
    protocol: state.config.protocol,
    agentId: state.config.self.agentId,
    clockMs: context.clockMs,
    version: context.version,
    group: context.group,
    role,
    state: state.phase,
    term: seenTerm(state),
    offset: instance?.offset ?? null,
    lagBytes: lag(master, instance?.offset ?? null),
    holder: leaseOf(state)?.holder?.pod ?? null,
    frozenTerm: state.frozenTerm,
    finalOffset: finalOffset(state),
    volume: state.config.self.volume,
    leaving: isLeaving(state),
    inSync: instance !== null && isInSync(state, instance),
    refused: state.redis?.reachable === false && state.redis.refused,
    instance: instance === null ? null : instanceReport(state, instance),
    lost: state.lost,
    failsafeRound: state.failsafe.round,
    promise:
      state.promise === null
        ? null
        : { agentId: state.promise.agentId, round: state.promise.round },
    lastDecision: context.lastDecision,
    problem: problemOf(state),
    weaknesses: [...isolationWeakness(state), ...killWeakness(state)],
    request: state.answer,
    paused: pauseReport(state, context),
    route: context.route,
    apiRequests: context.apiRequests,
    peers: [...state.peers.values()].map(({ report, at }) => ({
      podName: report.podName,
      podIP: report.podIP,
      role: report.role,
      offset: report.offset,
      lagBytes: lag(master, report.offset),
      ageMs: Math.round(state.now - at),
    })),
  };
}
