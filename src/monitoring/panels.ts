// What the dashboard shows: each row with its panels and their queries. `$namespace` and `$group` are its variables.

export type Panel = {
  readonly title: string;
  readonly kind: 'stat' | 'timeseries' | 'state-timeline';
  /** Of twenty-four columns. */
  readonly width: number;
  readonly unit: string;
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
  /** Of Kubernetes and not of ours: where nobody scrapes it, the panel is empty. */
  readonly isForeign?: true;
};

const P = 'redis_orchestrator_';
const W = `${P}webhook_`;
const AT = 'namespace=~"$namespace",group=~"$group"';
const G = 'by (namespace, group)';
const GROUP = '{{namespace}}/{{group}}';

function stat(title: string, expr: string, unit = 'none', legend = GROUP): Panel {
  return { title, kind: 'stat', width: 4, unit, queries: [{ expr, legend }] };
}

function series(title: string, expr: string, unit = 'none', legend = '{{pod}}'): Panel {
  return { title, kind: 'timeseries', width: 8, unit, queries: [{ expr, legend }] };
}

function timeline(title: string, expr: string, legend: string): Panel {
  return { title, kind: 'state-timeline', width: 24, unit: 'none', queries: [{ expr, legend }] };
}

const rate = (name: string, by: string): string =>
  `sum by (${by}) (rate(${P}${name}{${AT}}[$__rate_interval]))`;

const quantile = (name: string, of: number): string =>
  `histogram_quantile(${of}, sum by (le) (increase(${P}${name}_bucket{${AT}}[$__range])))`;

export const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Now: [
    stat('Open masters', `sum ${G} (${P}role{role="master",${AT}})`),
    stat('Takes writes', `sum ${G} (${P}redis_writable{${AT}})`),
    stat('Replicas that could take over', `max ${G} (${P}eligible_candidates{${AT}})`),
    stat('Term', `max ${G} (${P}term{${AT}})`),
    stat('Paused', `max ${G} (${P}paused{${AT}})`),
    stat(
      'Agents missing',
      `max ${G} (${P}members_expected{${AT}}) - count ${G} (${P}build_info{${AT}})`,
    ),
  ],
  'Timeline of roles': [
    timeline('Role of each pod', `${P}role{${AT}} == 1`, '{{pod}} {{role}}'),
    series('Masters seen by each agent', `${P}masters_seen{${AT}}`),
    series('Pods with the label redis-role=master', `${P}master_labels{${AT}}`),
    series('Redis answers its agent', `${P}redis_up{${AT}}`),
  ],
  Replication: [
    series('Behind the master', `${P}replication_lag_bytes{${AT}}`, 'bytes'),
    series('Not in sync since', `${P}replication_lag_seconds{${AT}}`, 's'),
    series('Link to the master', `${P}replication_link_up{${AT}}`),
    series(
      'Bytes of the stream',
      `rate(${P}replication_offset_bytes{${AT}}[$__rate_interval])`,
      'Bps',
    ),
    series('May become master', `${P}failover_eligible{${AT}}`),
    series('Full syncs', rate('full_syncs_total', 'pod'), 'ops'),
  ],
  Failovers: [
    {
      ...series(
        'Elections',
        `sum by (kind, outcome) (increase(${P}elections_total{${AT}}[$__range]))`,
      ),
      queries: [
        {
          expr: `sum by (kind, outcome) (increase(${P}elections_total{${AT}}[$__range]))`,
          legend: '{{kind}} {{outcome}}',
        },
      ],
    },
    series(
      'Unplanned: time to the first write, p99',
      quantile('failover_duration_seconds', 0.99),
      's',
      'p99',
    ),
    series('Planned: pause of writes, p99', quantile('write_pause_seconds', 0.99), 's', 'p99'),
    series(
      'Last promotion',
      `${P}last_promotion_timestamp_seconds{${AT}} * 1000 > 0`,
      'dateTimeFromNow',
    ),
    series('Bytes lost', `increase(${P}lost_bytes_total{${AT}}[$__range])`, 'bytes'),
    series('Second masters found', `increase(${P}split_brains_total{${AT}}[$__range])`),
  ],
  'Fence and Lease': [
    series('Age of the Lease', `${P}lease_age_seconds{${AT}}`, 's'),
    series('Holds the Lease', `${P}lease_holder{${AT}}`),
    series(
      'Lease writes',
      rate('lease_requests_total', 'op, outcome'),
      'ops',
      '{{op}} {{outcome}}',
    ),
    series(
      'Time of a Lease write, p99',
      quantile('lease_request_duration_seconds', 0.99),
      's',
      'p99',
    ),
    series('API server answers', `${P}api_server_reachable{${AT}}`),
    series('Leads by its peers’ word', `${P}failsafe_active{${AT}}`),
    series('Kept from writes', `${P}fence_active{${AT}}`),
    series('Fences', rate('fences_total', 'level, outcome'), 'ops', '{{level}} {{outcome}}'),
    series('Repairs', rate('repairs_total', 'kind'), 'ops', '{{kind}}'),
    series('Peers not heard', `${P}peers_expected{${AT}} - ${P}peers_reachable{${AT}}`),
    series('Clients cut', rate('client_kills_total', 'pod'), 'ops'),
    series('Weaker protection', `${P}weak_protection{${AT}} == 1`, 'none', '{{pod}} {{code}}'),
  ],
  Webhook: [
    series(
      'Reviews',
      `sum by (outcome) (rate(${W}reviews_total[$__rate_interval]))`,
      'ops',
      '{{outcome}}',
    ),
    series(
      'Time of a review, p99',
      `histogram_quantile(0.99, sum by (le) (rate(${W}review_duration_seconds_bucket[$__rate_interval])))`,
      's',
      'p99',
    ),
    series(
      'Warnings',
      `sum by (code) (increase(${W}warnings_total[$__range])) > 0`,
      'none',
      '{{code}}',
    ),
    series(
      'Pods without agent',
      `max by (target_namespace) (${W}uninjected_pods)`,
      'none',
      '{{target_namespace}}',
    ),
    series(
      'Pods with another agent',
      `max by (target_namespace) (${W}outdated_pods)`,
      'none',
      '{{target_namespace}}',
    ),
    series(
      'Certificates end in',
      `min by (kind) (${W}certificate_expiry_timestamp_seconds) - time()`,
      's',
      '{{kind}}',
    ),
    series(
      'Certificates',
      `sum by (kind, outcome) (increase(${W}certificate_rotations_total[$__range]))`,
      'none',
      '{{kind}} {{outcome}}',
    ),
    series('Configuration trusts it', `min(${W}ca_bundle_in_sync)`, 'none', 'in sync'),
    series(
      'Namespaces that failed',
      `sum(increase(${W}namespace_errors_total[$__range]))`,
      'none',
      'errors',
    ),
  ],
  Footprint: [
    series('Event loop: late by, p99', quantile('event_loop_lag_seconds', 0.99), 's', 'p99'),
    series('Stalls of more than 250 ms', rate('stalls_total', 'pod'), 'ops'),
    {
      ...series(
        'Memory of the agents',
        'container_memory_working_set_bytes{container="redis-orchestrator",namespace=~"$namespace"}',
        'bytes',
      ),
      isForeign: true,
    },
    series(
      'Versions',
      `count by (version, commit) (${P}build_info{${AT}})`,
      'none',
      '{{version}} {{commit}}',
    ),
    series(
      'Versions of the webhook',
      `count by (version, commit) (${W}build_info)`,
      'none',
      '{{version}} {{commit}}',
    ),
  ],
};
