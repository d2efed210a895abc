// What is known of a group at one instant, by whoever looks: an agent from its own state, the command line from
// the API server and all agents. groupView makes the same picture of both.

import type { AgentReport, PauseReport, RouteReport } from './wire.ts';

/** What of a report is shown; an agent that fell silent left its last one. */
export type MemberReport = Pick<
  AgentReport,
  | 'role'
  | 'state'
  | 'term'
  | 'isMaster'
  | 'isHealthy'
  | 'inSync'
  | 'offset'
  | 'instance'
  | 'problem'
  | 'weaknesses'
  | 'failsafeRound'
  | 'version'
  | 'lost'
  | 'lastDecision'
>;

export type MemberFacts = {
  readonly pod: string;
  readonly uid: string;
  readonly address: string | null;
  readonly node: string | null;
  readonly hasAgent: boolean;
  readonly isLeaving: boolean;
  readonly hasMasterLabel: boolean;
  readonly report: MemberReport | null;
  /** False: its agent is silent, and the report is an old one. */
  readonly isHeard: boolean;
  /** Why the agent was not asked, or did not answer. */
  readonly silence: string | null;
};

/** Handed over, taken, or the first one of its group. */
export const ELECTION_KINDS = ['planned', 'unplanned', 'cold'] as const;
export type ElectionKind = (typeof ELECTION_KINDS)[number];

/** A member that was heard when a term was decided. */
export type Contender = {
  readonly pod: string;
  readonly offset: number;
  /** Why it could not lead; left out: it could. */
  readonly problem?: string;
};

/** What is told of a recent term; what is left out is not known. */
export type TermDetails = {
  /** The best first. */
  readonly among: readonly Contender[];
  /** Why the best came before the next. */
  readonly rule?: string;
  readonly kind?: ElectionKind;
  /** Milliseconds: of a planned change those without writes, else those of the election. */
  readonly pauseMs?: number;
  /** Bytes of the stream of the master before, that this term's never got. */
  readonly lostBytes?: number;
};

/** A term of the group, as the record of its Lease tells it. */
export type Term = {
  readonly term: number;
  readonly holder: string;
  readonly reason: string;
  /** ISO time. */
  readonly at: string;
  readonly details?: TermDetails;
};

export type LeaseFacts = {
  readonly holder: string | null;
  readonly holderUid: string | null;
  readonly term: number;
  /** Since it was last seen to change, in milliseconds. */
  readonly ageMs: number;
  /** After so long without a change others may take over, in milliseconds. */
  readonly waitMs: number;
  /** Name of the agents' timing profile; null: no agent told it. */
  readonly profile: string | null;
  readonly history: readonly Term[];
  /** The terms in which somebody opened writes. */
  readonly opened: readonly number[];
};

/** Who takes over when the master is gone: the eligible ones in their order, then those that are not. */
export type Successor = { readonly pod: string; readonly problem: string | null };

/** How long nobody could write when this pod became master last. */
export type Promotion = {
  readonly term: number;
  readonly kind: ElectionKind;
  /** Null: its beginning was not seen. */
  readonly pauseMs: number | null;
};

export type GroupFacts = {
  readonly namespace: string;
  readonly group: string;
  /** ISO time of this look. */
  readonly at: string;
  readonly lease: LeaseFacts | null;
  readonly members: readonly MemberFacts[];
  readonly succession: readonly Successor[];
  readonly route: readonly RouteReport[];
  readonly paused: PauseReport | null;
  readonly promotion: Promotion | null;
};
