// Every metric of an agent: one table for the registry, /metrics and docs/operations.md. Of each label all
// values are known, so that each series is there from the start.

import { ELECTION_KINDS } from '../../src/group-facts.ts';
import { WEAKNESSES } from '../core/weaknesses.ts';

const PREFIX = 'redis_orchestrator_';
const SECONDS = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];
const LAG_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const REQUEST_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2];

type Labels = Readonly<Record<string, readonly string[]>>;
export type Metric = { readonly help: string; readonly labels?: Labels };

export const ROLES = ['master', 'replica', 'limbo', 'fenced', 'loading', 'unknown'] as const;
const OPERATIONS = ['acquire', 'renew', 'transfer', 'release', 'recreate'] as const;
const LEASE_OUTCOMES = ['ok', 'conflict', 'denied', 'timeout', 'error'] as const;

export const GAUGES = {
  role: { help: 'What the local Redis is: one of the roles is 1.', labels: { role: ROLES } },
  redis_up: { help: '1 where the local Redis answers its agent.' },
  redis_writable: { help: '1 where the local Redis is the open master and accepts writes.' },
  masters_seen: {
    help: 'Masters in the view of this agent, without a local one that is guarded: more than one for long is a split brain.',
  },
  master_labels: { help: 'Pods of the group that have the label redis-role=master.' },
  lease_holder: { help: '1 where this pod holds the Lease of the group.' },
  term: { help: 'The highest term that this agent has seen.' },
  lease_age_seconds: {
    help: 'Time since the Lease was last seen to change, by the clock of this agent.',
  },
  api_server_reachable: { help: '1 where the last request to the API server was answered.' },
  failsafe_active: {
    help: '1 where the master leads on by the word of its peers while the API server is silent.',
  },
  paused: { help: '1 while a person keeps the failover paused.' },
  members_expected: { help: 'Pods of the group that are to have an agent.' },
  peers_expected: { help: 'The same without this one.' },
  peers_reachable: { help: 'Agents of the group that this one hears.' },
  replication_offset_bytes: { help: 'Offset of the local Redis in the replication stream.' },
  replication_lag_bytes: { help: 'Bytes that the local Redis is behind the master, as last told.' },
  replication_lag_seconds: {
    help: 'Time since the local Redis had all that its master had; 0 for the master.',
  },
  replication_link_up: {
    help: '1 where the local replica is linked to its master; 1 for the master.',
  },
  failover_eligible: { help: '1 where this pod is the master, or may become it.' },
  eligible_candidates: {
    help: 'In the view of the master: replicas that could take over now, as `status` has them under NEXT.',
  },
  last_promotion_timestamp_seconds: {
    help: 'When this Redis was made master last, since 1970; 0: never by this agent.',
  },
  fence_active: { help: '1 where the local Redis is kept from writes: in limbo, or guarded.' },
  weak_protection: {
    help: '1 for what protects less than it could.',
    labels: { code: WEAKNESSES },
  },
} as const satisfies Record<string, Metric>;

export const COUNTERS = {
  lease_requests_total: {
    help: 'Writes of the Lease.',
    labels: { op: OPERATIONS, outcome: LEASE_OUTCOMES },
  },
  elections_total: {
    help: 'Elections in which this agent took part: planned (handed over), unplanned, cold (first master).',
    labels: { kind: ELECTION_KINDS, outcome: ['won', 'lost', 'aborted'] },
  },
  lost_bytes_total: {
    help: 'Bytes of the stream of a deposed master that the present one never got.',
  },
  fences_total: {
    help: 'Limbo commands, to the local Redis and to others.',
    labels: { level: ['local', 'remote'], outcome: ['ok', 'failed'] },
  },
  repairs_total: {
    help: 'What somebody else changed and the agents put back.',
    labels: { kind: ['label', 'role', 'replicaof'] },
  },
  split_brains_total: {
    help: 'Other masters that this one, which holds the Lease, found beside itself.',
  },
  full_syncs_total: { help: 'Full syncs that the local replica began.' },
  client_kills_total: {
    help: 'How often the clients of the local Redis were cut, so that they look for the master.',
  },
  stalls_total: {
    help: 'How often the event loop of this agent stood still for more than 250 ms.',
  },
} as const satisfies Record<string, Metric>;

export const HISTOGRAMS = {
  lease_request_duration_seconds: {
    help: 'Time of one write of the Lease.',
    buckets: REQUEST_SECONDS,
  },
  failover_duration_seconds: {
    help: 'From the first step of an unplanned election to the first write that is accepted.',
    buckets: SECONDS,
  },
  event_loop_lag_seconds: {
    help: 'How late the ticks of this agent came: it was busy, or had no CPU.',
    buckets: LAG_SECONDS,
  },
  write_pause_seconds: {
    help: 'Of a planned change: from the word of the old master that it stopped to the first write that is accepted.',
    buckets: SECONDS,
  },
} as const satisfies Record<string, Metric & { readonly buckets: readonly number[] }>;

/** One series, whose labels nobody knows beforehand. */
export const BUILD_INFO = {
  help: 'Which agent this is; always 1. The commit is `unknown` where the build had no repository.',
  labels: ['version', 'commit'],
};

export type GaugeName = keyof typeof GAUGES;
export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;

export function fullName(name: string): string {
  return `${PREFIX}${name}`;
}

/** Every combination of label values; one without labels has one, the empty one. */
export function combinations({ labels = {} }: Metric): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (known, [label, values]) =>
      known.flatMap((each) => values.map((value) => ({ ...each, [label]: value }))),
    [{}],
  );
}
