// Members of a group as groupView is told of them, for tests of whatever shows a group.

import type { MemberFacts, MemberReport } from '../../src/group-facts.ts';
import type { InstanceReport } from '../../src/wire.ts';

/** A replica in sync. */
export function replicaReport(instance: InstanceReport, offset: number): MemberReport {
  return {
    role: 'replica',
    state: 'Following',
    term: 14,
    isMaster: false,
    isHealthy: true,
    inSync: true,
    offset,
    instance,
    lastDecision: null,
    problem: null,
    weaknesses: [],
    failsafeRound: 0,
    version: '1',
  };
}

/** The same as the open master. */
export function masterReport(replica: MemberReport): MemberReport {
  return { ...replica, role: 'master', state: 'Leading', isMaster: true };
}

/** redis-`n`; null: its agent was never heard. */
export function memberFacts(
  n: number,
  report: MemberReport | null,
  more: Partial<MemberFacts> = {},
): MemberFacts {
  return {
    pod: `redis-${n}`,
    uid: `u${n}`,
    address: `10.0.0.${n}`,
    node: `node-${n}`,
    hasAgent: true,
    isLeaving: false,
    hasMasterLabel: report?.isMaster === true,
    report,
    isHeard: report !== null,
    silence: null,
    ...more,
  };
}
