// The group as this agent sees it, for groupView.

import type { GroupFacts, LeaseFacts, MemberFacts } from '../../src/group-facts.ts';
import type { AgentReport } from '../../src/wire.ts';
import type { AgentState, PodView } from './model.ts';
import { successionOf } from './succession.ts';
import { termOf } from '../../src/annotation-fields.ts';
import { isManaged, leaseOf, PEER_LIVE_MS, recordOf } from './view.ts';

/** What the state does not hold. */
export type FactsContext = {
  /** This agent's own report of this moment. */
  readonly own: AgentReport;
  readonly nodeOf: (uid: string) => string | null;
  /** ISO time. */
  readonly at: string;
  readonly profile: string;
};

export function groupFactsOf(state: AgentState, context: FactsContext): GroupFacts {
  const { own, at, profile } = context;
  const master = [...state.peers.values()].find(({ report }) => report.isMaster)?.report;
  // The Services are looked at by the master's agent alone.
  const route = own.isMaster ? own.route : (master?.route ?? own.route);
  return {
    namespace: own.namespace,
    group: own.group,
    at,
    lease: leaseFacts(state, profile),
    members: (state.pods ?? [])
      .filter((pod) => !pod.terminal)
      .map((pod) => memberFacts(state, pod, context)),
    succession: successionOf(state),
    route,
    paused: own.paused ?? null,
    promotion: own.isMaster ? state.promotion : null,
  };
}

function leaseFacts(state: AgentState, profile: string): LeaseFacts | null {
  const lease = leaseOf(state);
  if (lease === null || state.lease.kind !== 'present') return null;
  const { history, lineage } = recordOf(state);
  return {
    holder: lease.holder?.pod ?? null,
    holderUid: lease.holder?.uid ?? null,
    term: lease.term,
    ageMs: Math.round(state.now - state.lease.unchangedSince),
    waitMs: state.config.timing.waitMs,
    profile,
    history: history.map(termOf),
    opened: lineage.flatMap(({ term }) => (term > 0 ? [term] : [])),
  };
}

function memberFacts(state: AgentState, pod: PodView, { own, nodeOf }: FactsContext): MemberFacts {
  const { name, uid, ip, leaving, role } = pod;
  const isSelf = uid === state.config.self.uid;
  const peer = state.peers.get(uid);
  return {
    pod: name,
    uid,
    address: ip,
    node: nodeOf(uid),
    hasAgent: isManaged(state, pod),
    isLeaving: leaving,
    hasMasterLabel: role === 'master',
    report: isSelf ? own : (peer?.report ?? null),
    isHeard: isSelf || (peer !== undefined && state.now - peer.at <= PEER_LIVE_MS),
    silence: null,
  };
}
