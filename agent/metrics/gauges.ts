// What the gauges show at the moment of a scrape. Pure.

import type { GroupView } from '../../src/group-view.ts';
import { isInSync } from '../core/attachment.ts';
import type { AgentState } from '../core/model.ts';
import { lag, masterOffset } from '../core/report.ts';
import { isHolder, isLimbo, isManaged, livePeers, localInstance, seenTerm } from '../core/view.ts';
import { WEAKNESSES, weaknessesOf } from '../core/weaknesses.ts';
import { type GaugeName, ROLES } from './table.ts';

/** What the state does not hold. Times are boot-time milliseconds. */
export type GaugeContext = {
  readonly now: number;
  /** The picture that every door shows: what it tells is not told otherwise here. */
  readonly view: GroupView;
  readonly isApiReachable: boolean;
  /** When this Redis last had all that its master had, or was master. */
  readonly inSyncAt: number;
  /** Seconds since 1970. */
  readonly promotedAtEpochSeconds: number;
};

export type Reading = {
  readonly name: GaugeName;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
};

function isOpenMaster(s: AgentState): boolean {
  return s.phase === 'Leading' && localInstance(s)?.role === 'master' && !s.isGuarded;
}

function roleOf(s: AgentState): (typeof ROLES)[number] {
  const instance = localInstance(s);
  if (instance === null) return 'unknown';
  if (instance.loading) return 'loading';
  if (instance.role === 'master') return isOpenMaster(s) ? 'master' : 'fenced';
  return isLimbo(instance) ? 'limbo' : 'replica';
}

export function gaugesOf(s: AgentState, context: GaugeContext): readonly Reading[] {
  const instance = localInstance(s);
  const live = livePeers(s);
  const members = (s.pods ?? []).filter((pod) => isManaged(s, pod) && !pod.terminal);
  const isMaster = instance?.role === 'master';
  const mastersBeside = live.filter(({ report }) => report.role === 'master').length;
  const seconds = (since: number): number => Math.max(0, (context.now - since) / 1000);
  const { view } = context;
  const next = view.members.filter((member) => member.next !== null);
  const isNext = next.some(({ uid }) => uid === s.config.self.uid);
  const flag = (value: boolean): number => (value ? 1 : 0);
  const plain: Readonly<Record<Exclude<GaugeName, 'role' | 'weak_protection'>, number>> = {
    redis_up: flag(instance !== null),
    redis_writable: flag(isOpenMaster(s) && instance?.unwritable === null),
    masters_seen: mastersBeside + flag(isMaster && !s.isGuarded),
    master_labels: (s.pods ?? []).filter(({ role }) => role === 'master').length,
    lease_holder: flag(isHolder(s)),
    term: seenTerm(s),
    lease_age_seconds: s.lease.kind === 'present' ? seconds(s.lease.unchangedSince) : 0,
    api_server_reachable: flag(context.isApiReachable),
    failsafe_active: flag(s.failsafe.round > 0),
    paused: flag(view.paused !== null),
    members_expected: members.length,
    peers_expected: members.filter(({ uid }) => uid !== s.config.self.uid).length,
    peers_reachable: live.length,
    replication_offset_bytes: instance?.offset ?? 0,
    replication_lag_bytes: lag(masterOffset(s), instance?.offset ?? null) ?? 0,
    replication_lag_seconds: isSettled(s) ? 0 : seconds(context.inSyncAt),
    replication_link_up: flag(isMaster || instance?.linkUp === true),
    failover_eligible: flag(isOpenMaster(s) || isNext),
    eligible_candidates: isOpenMaster(s) ? next.length : 0,
    last_promotion_timestamp_seconds: context.promotedAtEpochSeconds,
    fence_active: flag(s.isGuarded || (instance !== null && isLimbo(instance))),
  };
  const role = roleOf(s);
  const weak = weaknessesOf(s);
  return [
    ...Object.entries(plain).map(([name, value]) => ({ name: name as GaugeName, value })),
    ...ROLES.map((each) => ({
      name: 'role' as const,
      labels: { role: each },
      value: flag(role === each),
    })),
    ...WEAKNESSES.map((code) => ({
      name: 'weak_protection' as const,
      labels: { code },
      value: flag(weak.has(code)),
    })),
  ];
}

/** It has all that its master has, or it is the master. */
export function isSettled(s: AgentState): boolean {
  const instance = localInstance(s);
  return instance !== null && (instance.role === 'master' || isInSync(s, instance));
}
