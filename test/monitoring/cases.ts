// For each alert one case in which it fires, and one that looks like it and is none. All other alerts are to be silent
// in both, but for those that are named.

import type { RuleName } from '../../src/monitoring/rules.ts';
import {
  always,
  ended,
  GROUP,
  info,
  never,
  of,
  ofAgents,
  ofAll,
  ofWebhook,
  role,
  type Series,
  WEBHOOK,
  won,
} from './healthy.ts';

type Firing = {
  readonly series: Series;
  readonly at: string;
  /** Of the alert. */
  readonly labels?: Readonly<Record<string, string>>;
};

type Silent = {
  readonly why: string;
  readonly series: Series;
  /** Looked at until then, at each evaluation. */
  readonly untilSeconds: number;
  /** Fires in its place by then. */
  readonly instead?: RuleName;
};

const TEN_MINUTES = 600;
const NO_SERIES: Series = {};
const gone = '1x8 stale';

export const CASES: Readonly<
  Record<RuleName, { readonly fires: Firing; readonly silent: Silent }>
> = {
  NoMaster: {
    fires: {
      series: {
        [role(0)]: '1x8 0x99',
        [of('redis_writable', 0)]: '1x8 0x99',
        ...ofAll('masters_seen', '1x8 0x99'),
      },
      at: '3m',
    },
    silent: {
      why: 'another pod leads at the next scrape',
      series: {
        [role(0)]: '1x8 0x99',
        [role(1)]: '0x9 1x99',
        [of('redis_writable', 0)]: '1x8 0x99',
        [of('redis_writable', 1)]: '0x9 1x99',
        [of('eligible_candidates', 1)]: '0x9 2x99',
      },
      untilSeconds: TEN_MINUTES,
    },
  },
  SplitBrain: {
    fires: { series: ofAll('masters_seen', '1x8 2x99'), at: '3m' },
    silent: {
      why: 'a hand-over between two scrapes, a minute apart: one pod was seen before it, the other after it; and one scrape at the instant itself',
      series: {
        [role(0)]: '1x12 0x99',
        [role(1)]: '0x8 1x99',
        [of('redis_writable', 0)]: '1x12 0x99',
        [of('redis_writable', 1)]: '0x8 1x99',
        [of('eligible_candidates', 1)]: '0x8 2x99',
        [of('masters_seen', 2)]: '1x20 2 1x99',
      },
      untilSeconds: TEN_MINUTES,
    },
  },
  MasterUnrouted: {
    fires: { series: ofAll('master_labels', '1x8 0x99'), at: '3m' },
    silent: {
      why: 'the label moves from one pod to another',
      series: ofAll('master_labels', '1x8 0 1x8 2 1x99'),
      untilSeconds: TEN_MINUTES,
    },
  },
  WritesLost: {
    fires: { series: { [of('lost_bytes_total', 1)]: '0x8 4096x99' }, at: '3m' },
    silent: {
      why: 'agents come and go, and nothing is lost',
      series: { [of('lost_bytes_total', 0)]: '0x99', [of('lost_bytes_total', 1)]: '_x8 0x99' },
      untilSeconds: TEN_MINUTES,
    },
  },
  Flapping: {
    fires: { series: { [won(0)]: '0x8 1x8 2x200', [won(1)]: '0x30 1x200' }, at: '20m' },
    silent: {
      why: 'two within an hour',
      series: { [won(0)]: '0x8 1x300', [won(1)]: '0x30 1x300' },
      untilSeconds: 3600,
    },
  },
  NoCandidate: {
    fires: { series: { [of('eligible_candidates', 0)]: '2x8 0x99' }, at: '8m' },
    silent: {
      why: 'a rolling update, two minutes long',
      series: { [of('eligible_candidates', 0)]: '2x8 0x8 2x99' },
      untilSeconds: TEN_MINUTES,
    },
  },
  RedisUnwritable: {
    fires: { series: { [of('redis_writable', 0)]: '1x8 0x99' }, at: '4m' },
    silent: {
      why: 'a snapshot failed, and the next one did not',
      series: { [of('redis_writable', 0)]: '1x8 0x3 1x99' },
      untilSeconds: TEN_MINUTES,
    },
  },
  ReplicaLagging: {
    fires: {
      series: { [of('replication_lag_seconds', 2)]: '0+15x99' },
      at: '10m',
      labels: { ...GROUP, pod: 'redis-2' },
    },
    silent: {
      why: 'a full sync of four minutes',
      series: { [of('replication_lag_seconds', 2)]: '0+15x16 0x99' },
      untilSeconds: TEN_MINUTES,
    },
  },
  AgentMissing: {
    fires: { series: { [info(2)]: gone }, at: '8m' },
    silent: {
      why: 'a pod is replaced within two minutes',
      series: { [info(2)]: '1x8 stale _x8 1x99' },
      untilSeconds: TEN_MINUTES,
    },
  },
  PeersUnreachable: {
    fires: { series: { [of('peers_reachable', 1)]: '2x8 1x99' }, at: '8m' },
    silent: {
      why: 'the one that is not heard is down: it is missing',
      series: { ...ofAll('peers_reachable', '2x8 1x99'), [info(2)]: gone },
      untilSeconds: TEN_MINUTES,
      instead: 'AgentMissing',
    },
  },
  KubernetesUnreachable: {
    fires: { series: { [of('api_server_reachable', 0)]: '1x8 0x99' }, at: '5m' },
    silent: {
      why: 'the API server restarts within a minute',
      series: {
        ...ofAll('api_server_reachable', '1x8 0x4 1x99'),
        [of('failsafe_active', 0)]: '0x8 1x4 0x99',
      },
      untilSeconds: TEN_MINUTES,
    },
  },
  PausedTooLong: {
    fires: { series: ofAll('paused', always(1)), at: '6h1m' },
    silent: {
      why: 'five hours of work on the nodes',
      series: ofAll('paused', '1x1200 0x300'),
      untilSeconds: 6.2 * 3600,
    },
  },
  PodsNotInjected: {
    fires: {
      series: { [WEBHOOK.uninjected]: always(2) },
      at: '11m',
      labels: { target_namespace: 'shop' },
    },
    silent: {
      why: 'they are restarted at once',
      series: { [WEBHOOK.uninjected]: '2x20 0x99' },
      untilSeconds: 900,
    },
  },
  WebhookUnhealthy: {
    fires: { series: { [WEBHOOK.info]: gone }, at: '8m', labels: NO_SERIES },
    silent: {
      why: 'one pod could not be read',
      series: { [WEBHOOK.errors]: '0x8 1x99' },
      untilSeconds: TEN_MINUTES,
    },
  },
};

/** Other ways to the same alert. */
export const MORE: readonly {
  readonly name: RuleName;
  readonly what: string;
  readonly fires: Firing;
}[] = [
  {
    name: 'WritesLost',
    what: 'by a new agent, whose first scrape has them',
    fires: { series: { [of('lost_bytes_total', 1)]: '_x8 4096x99' }, at: '3m' },
  },
  {
    name: 'AgentMissing',
    what: 'all agents of the group are gone at once',
    fires: { series: ended(ofAgents()), at: '8m' },
  },
  {
    name: 'AgentMissing',
    what: 'all agents of the group have been gone for hours',
    fires: { series: ended(ofAgents()), at: '6h' },
  },
  {
    name: 'WebhookUnhealthy',
    what: 'reviews fail',
    fires: { series: { [WEBHOOK.errors]: '0+1x99' }, at: '8m', labels: {} },
  },
  {
    name: 'WebhookUnhealthy',
    what: 'the certificate ends tomorrow',
    fires: { series: { [WEBHOOK.expiry]: always(86_400) }, at: '8m', labels: {} },
  },
  {
    name: 'WebhookUnhealthy',
    what: 'its authority is not trusted',
    fires: { series: { [WEBHOOK.inSync]: always(0) }, at: '8m', labels: {} },
  },
  {
    name: 'WebhookUnhealthy',
    what: 'there are agents, and it was never scraped',
    fires: { series: never(ofWebhook()), at: '8m', labels: {} },
  },
  {
    name: 'WebhookUnhealthy',
    what: 'it is gone, and there is no group yet',
    fires: { series: { ...never(ofAgents()), ...ended(ofWebhook()) }, at: '8m', labels: {} },
  },
  {
    name: 'AgentMissing',
    what: 'all was uninstalled an hour ago; the webhook is missed no more (ADR 20)',
    fires: { series: { ...ended(ofAgents()), ...ended(ofWebhook()) }, at: '1h10m' },
  },
  {
    name: 'KubernetesUnreachable',
    what: 'the Lease is denied',
    fires: { series: { [of('failsafe_active', 0)]: always(1) }, at: '8m' },
  },
];

/** Nothing fires at any of these times. */
export const QUIET: readonly {
  readonly what: string;
  readonly series: Series;
  readonly at: readonly string[];
}[] = [
  {
    what: 'all pods of a group are made anew within two minutes',
    series: Object.fromEntries(
      Object.entries(ofAgents()).map(([name, value]) => [
        name,
        `${value.replace(/x\d+$/, 'x8')} stale _x8 ${value.replace(/x\d+$/, 'x99')}`,
      ]),
    ),
    at: ['3m', '5m', '8m', '10m'],
  },
  {
    what: 'a group that was deleted six hours ago is forgotten',
    series: ended(ofAgents()),
    at: ['6h5m', '6h30m'],
  },
  {
    what: 'a Prometheus that has nothing of ours',
    series: { ...never(ofAgents()), ...never(ofWebhook()) },
    at: ['8m', '1h'],
  },
  {
    what: 'six hours after all was uninstalled',
    series: { ...ended(ofAgents()), ...ended(ofWebhook()) },
    at: ['6h5m', '6h30m'],
  },
];
