// Every alert, once: the PrometheusRule, the rule file, the table of docs/operations.md, the pages of docs/runbooks and
// the tests are made from here, or held to it. One fault is to have one alert: where two would fire for the same
// cause, the expression of the lesser one leaves it to the greater.

import { HOUR_MS, MINUTE_MS, SECOND_MS, type Time } from './time.ts';

export type Rule = {
  readonly expr: (time: Time) => string;
  readonly forMs: number;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
  readonly description: string;
};

const P = 'redis_orchestrator_';
const W = `${P}webhook_`;
const G = 'by (namespace, group)';
const GROUP = '{{ $labels.namespace }}/{{ $labels.group }}';

/** Agents of the group that are not scraped, as those say that are. */
const MISSING = `max ${G} (${P}members_expected) - count ${G} (${P}build_info) > 0`;
/** For so long a group is remembered of which no agent is heard any more, and a day long a webhook. */
const REMEMBERED_MS = 6 * HOUR_MS;
const MASTERS = `sum ${G} (${P}role{role="master"})`;
const HAS_MASTER = `and on (namespace, group) (${MASTERS} > 0)`;

export const RULES = {
  NoMaster: {
    // By role and not by `redis_writable`: a master on a full disk has an alert of its own. A master whose agent is
    // only not scraped is seen by the others.
    expr: () =>
      `${MASTERS} == 0 unless on (namespace, group) (max ${G} (${P}masters_seen) > 0 and ${MISSING})`,
    forMs: 30 * SECOND_MS,
    severity: 'critical',
    summary: `${GROUP} has no master: writes fail`,
    description:
      'No pod of the group leads. Either nobody may take over yet (paused, data of a missing pod, no API server), or nobody can.',
  },
  SplitBrain: {
    // In one agent's view at one instant: summed over pods, a hand-over between two scrapes would look like it.
    expr: () => `max ${G} (${P}masters_seen) > 1`,
    forMs: 15 * SECOND_MS,
    severity: 'critical',
    summary: `${GROUP} has more than one Redis that is a master`,
    description:
      'The agents put a second master into limbo within milliseconds; one that lasts is a Redis that does not obey its agent.',
  },
  MasterUnrouted: {
    // Without a master there is nobody to be led to, and NoMaster says so.
    expr: () => `max ${G} (${P}master_labels) != 1 ${HAS_MASTER}`,
    forMs: 30 * SECOND_MS,
    severity: 'critical',
    summary: `${GROUP} has a master, and the label redis-role=master is not on one pod alone`,
    description:
      'Services that select the label lead nowhere, or to a pod that is not the master: its agent may not change labels.',
  },
  WritesLost: {
    // The old master's agent is often a new one, whose series begins with the loss: nothing increases there. The
    // price: a Prometheus that meets a group for the first time tells of its old losses once.
    expr: ({ span }) => {
      const window = span(15 * MINUTE_MS);
      const lost = `${P}lost_bytes_total`;
      return `sum ${G} (increase(${lost}[${window}])) > 0 or sum ${G} (${lost} > 0 unless ${lost} offset ${window}) > 0`;
    },
    forMs: 0,
    severity: 'critical',
    summary: `${GROUP} lost writes that the old master had taken`,
    description:
      'A deposed master had bytes of the stream that its successor never got. They are overwritten; which keys they were cannot be told.',
  },
  Flapping: {
    // Rounded: two elections in the window extrapolate to a little more than two.
    expr: ({ span }) =>
      `round(sum ${G} (increase(${P}elections_total{kind="unplanned",outcome="won"}[${span(HOUR_MS)}]))) > 2`,
    forMs: 0,
    severity: 'warning',
    summary: `${GROUP} changed its master unplanned three times within an hour`,
    description:
      'Each time writes paused. Something takes the masters down, or holds up their agents.',
  },
  NoCandidate: {
    // Candidates are counted by the master: without one there are none.
    expr: () =>
      `max ${G} (${P}eligible_candidates) == 0 and max ${G} (${P}members_expected) > 1 ${HAS_MASTER}`,
    forMs: 5 * MINUTE_MS,
    severity: 'warning',
    summary: `${GROUP} has no replica that could take over`,
    description: 'If the master fails now, nobody leads until it is back.',
  },
  RedisUnwritable: {
    // Critical: clients cannot write, as without a master.
    expr: () => `${MASTERS} > 0 and sum ${G} (${P}redis_writable) == 0`,
    forMs: MINUTE_MS,
    severity: 'critical',
    summary: `The master of ${GROUP} refuses writes`,
    description: 'Redis answers MISCONF: its disk is full, or its last snapshot failed.',
  },
  ReplicaLagging: {
    expr: ({ seconds }) => `${P}replication_lag_seconds > ${seconds(30)} ${HAS_MASTER}`,
    forMs: 5 * MINUTE_MS,
    severity: 'warning',
    summary: '{{ $labels.namespace }}/{{ $labels.pod }} has not been in sync with its master',
    description:
      'This replica lacks what its master has: its Redis does not answer, its link is down, or it is too slow.',
  },
  AgentMissing: {
    // Of a group without any agent nothing is left but the memory. That may be a group that was deleted: so it is a
    // warning, and ends by itself.
    expr: ({ span }) =>
      `${MISSING} or max ${G} (max_over_time(${P}members_expected[${span(REMEMBERED_MS)}])) unless on (namespace, group) ${P}build_info`,
    forMs: 5 * MINUTE_MS,
    severity: 'warning',
    summary: `Prometheus does not hear all agents of ${GROUP}`,
    description:
      'One or all are down or not reached, or the group was deleted within six hours. A pod without a living agent takes part in no election.',
  },
  PeersUnreachable: {
    // An agent that is down is missing, and not unreachable.
    expr: () =>
      `min ${G} (${P}peers_reachable - ${P}peers_expected) < 0 unless on (namespace, group) (${MISSING})`,
    forMs: 5 * MINUTE_MS,
    severity: 'warning',
    summary: `Agents of ${GROUP} do not hear each other`,
    description:
      'All of them run, and one at least does not hear another on its HTTP port: a NetworkPolicy, or a cut between nodes.',
  },
  KubernetesUnreachable: {
    // A holder whose writes are denied leads on by its peers' word, though the API server answers.
    expr: () =>
      `max ${G} (1 - ${P}api_server_reachable) == 1 or max ${G} (${P}failsafe_active) == 1`,
    forMs: 2 * MINUTE_MS,
    severity: 'warning',
    summary: `Agents of ${GROUP} cannot work with the Kubernetes API`,
    description:
      'It does not answer, or it refuses the Lease. The master leads on while its candidates agree; nobody takes over meanwhile.',
  },
  PausedTooLong: {
    expr: () => `max ${G} (${P}paused) == 1`,
    forMs: 6 * HOUR_MS,
    severity: 'warning',
    summary: `The failover of ${GROUP} has been paused for six hours`,
    description: 'Nobody takes over from a master that fails. Was the pause forgotten?',
  },
  PodsNotInjected: {
    expr: () => `max by (target_namespace) (${W}uninjected_pods) > 0`,
    forMs: 10 * MINUTE_MS,
    severity: 'warning',
    summary: 'Redis pods of {{ $labels.target_namespace }} run without an agent',
    description:
      'They were created before the label, or before the webhook was installed. They are in no group, and nobody fails over for them.',
  },
  WebhookUnhealthy: {
    // Absent where it should be: a Prometheus that has neither agents nor had a webhook has nothing to do with us.
    expr: ({ span, seconds }) =>
      [
        `sum(rate(${W}reviews_total{outcome="error"}[${span(5 * MINUTE_MS)}])) > 0`,
        `absent(${W}build_info) and on () (count(${P}build_info) or count(max_over_time(${W}build_info[${span(HOUR_MS)}])))`,
        `min(${W}certificate_expiry_timestamp_seconds{kind="leaf"}) - time() < ${seconds(36 * 3600)}`,
        `min(${W}ca_bundle_in_sync) == 0`,
      ].join(' or '),
    forMs: 5 * MINUTE_MS,
    severity: 'critical',
    summary: 'The webhook of Redis Orchestrator is not healthy',
    description:
      'It is not there, fails at reviews, is not trusted, or its certificate ends within 36 hours. Without it no pod is created in labelled namespaces.',
  },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as readonly RuleName[];

/** As Prometheus and Alertmanager name it. */
export function alertName(name: RuleName): string {
  return `RedisOrchestrator${name}`;
}
