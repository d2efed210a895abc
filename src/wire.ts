// What agents tell each other and everybody: the body of GET /state. The first fields are the
// founding ones and keep their names; the rest is ours.

export const PROTOCOL = 1;

/** A term per second for thirty years; the API server counts to twice as much. What is more is a mistake. */
export const TERM_MAX = 1_000_000_000;

export function isTerm(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= TERM_MAX;
}

const PHASES = [
  'Boot',
  'Fenced',
  'Following',
  'Acquiring',
  'Deciding',
  'Promoting',
  'Leading',
  'HandingOver',
  'Fencing',
] as const;
export type Phase = (typeof PHASES)[number];

export const ROLE_NAMES = ['master', 'replica', 'limbo', 'unknown'] as const;
/** `limbo`: read-only, replicating from nobody. `unknown`: Redis does not answer. */
export type RoleName = (typeof ROLE_NAMES)[number];

/** What a Redis could not save, so that it refuses writes (MISCONF). */
export type Unwritable = 'aof' | 'rdb';

export type InstanceReport = {
  readonly runId: string;
  readonly version: string;
  readonly replid: string;
  readonly replid2: string;
  readonly secondOffset: number;
  readonly offset: number;
  readonly priority: number;
  readonly keys: number;
  readonly loading: boolean;
  readonly syncing: boolean;
  /** Of a full sync, how much of it has come, in percent; null: not told. Left out by an older agent. */
  readonly syncPercent?: number | null;
  readonly linkUp: boolean;
  readonly aof: boolean;
  /** Left out by an agent that does not look at it. */
  readonly unwritable?: Unwritable | null;
  readonly upstream: string | null;
};

type PeerSummary = {
  readonly podName: string;
  readonly podIP: string;
  readonly role: RoleName;
  readonly offset: number | null;
  readonly lagBytes: number | null;
  readonly ageMs: number;
};

/** A Service that clients may use, and whether it leads to where it should. */
export type RouteReport = {
  readonly service: string;
  /** By the role label and a selector, or by an EndpointSlice of ours. */
  readonly kind: 'label' | 'fast';
  readonly ok: boolean;
  readonly detail: string;
};

/** What became of a request for a switchover. */
export type RequestAnswer = {
  readonly id: string;
  /** `undone`: it was begun and did not come about; whoever was master leads on, or another election came first. */
  readonly outcome: 'begun' | 'refused' | 'done' | 'undone';
  readonly detail: string;
};

/** A person's word that nobody takes over from a master that fails. */
export type PauseReport = {
  readonly by: string;
  readonly reason: string;
  /** ISO time at which it ends by itself. */
  readonly until: string;
};

/** What a deposed master had that the one of `term` never got. */
export type Loss = { readonly term: number; readonly bytes: number };

export type AgentReport = {
  readonly podName: string;
  readonly podIP: string;
  readonly podUID: string;
  readonly namespace: string;
  readonly isMaster: boolean;
  readonly isHealthy: boolean;
  /** ISO time at which this Redis process started, or null while it does not answer. */
  readonly startupTime: string | null;
  /** ISO time at which Redis last answered its agent. */
  readonly lastSeen: string | null;
  readonly protocol: number;
  readonly agentId: string;
  /** The sender's own boot-time clock when it sent this, in milliseconds. */
  readonly clockMs: number;
  readonly version: string;
  readonly group: string;
  readonly role: RoleName;
  readonly state: Phase;
  readonly term: number;
  readonly offset: number | null;
  readonly lagBytes: number | null;
  readonly holder: string | null;
  /** The highest term in which this instance promised to stay in limbo with a final offset. */
  readonly frozenTerm: number | null;
  /** Where this instance, the master of `term`, stopped for the successor that it was to have. */
  readonly finalOffset: { readonly term: number; readonly offset: number } | null;
  readonly volume: string;
  /** The pod is terminating, or about to be. */
  readonly leaving: boolean;
  /** This replica has all that its master had when it last told of it. */
  readonly inSync: boolean;
  /** When this Redis last attached to a successor; left out by an older agent. */
  readonly lost?: Loss | null;
  /** Redis refused a connection after its sockets closed: it is gone, not slow. */
  readonly refused: boolean;
  readonly instance: InstanceReport | null;
  /** Number of the holder's failsafe round while the API server does not answer; 0: none. */
  readonly failsafeRound: number;
  /** Promise of this agent to the named holder's agent not to acquire for a whole wait. */
  readonly promise: { readonly agentId: string; readonly round: number } | null;
  readonly lastDecision: { readonly reason: string; readonly at: string } | null;
  readonly problem: string | null;
  /** What protects less than was asked for, and why. */
  readonly weaknesses: readonly string[];
  /** The last request that this agent answered as master. */
  readonly request: RequestAnswer | null;
  /** The pause that is in force, as this agent knows it; left out by an older agent. */
  readonly paused?: PauseReport | null;
  readonly route: readonly RouteReport[];
  /** Requests to the API server since this agent started. */
  readonly apiRequests: number;
  readonly peers: readonly PeerSummary[];
};
