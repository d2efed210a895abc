// The series of a healthy group of three and of a healthy webhook, and how promtool is told of changes to them.

const P = 'redis_orchestrator_';
const PODS = ['redis-0', 'redis-1', 'redis-2'] as const;
/** Seconds between two samples. */
export const INTERVAL_SECONDS = 15;
const SAMPLES = 1600;
/** Of the certificate: by the clock of promtool, which begins at 0. */
const WEEK_SECONDS = 604_800;

/** Series to its values, in the notation of promtool. */
export type Series = Readonly<Record<string, string>>;

export const GROUP = { namespace: 'shop', group: 'redis' } as const;

export function always(value: number): string {
  return `${value}x${SAMPLES}`;
}

/** `of('role', 0, 'role="master"')`: the series of one agent. */
export function of(name: string, pod: number, more = ''): string {
  const labels = [`namespace="shop"`, `group="redis"`, `pod="${PODS[pod]}"`, more];
  return `${P}${name}{${labels.filter((each) => each !== '').join(',')}}`;
}

export const info = (pod: number): string => of('build_info', pod, 'version="1",commit="c"');
export const role = (pod: number): string => of('role', pod, 'role="master"');
export const won = (pod: number): string =>
  of('elections_total', pod, 'kind="unplanned",outcome="won"');

export const WEBHOOK = {
  info: `${P}webhook_build_info{pod="webhook-0"}`,
  errors: `${P}webhook_reviews_total{outcome="error",reason="failed",pod="webhook-0"}`,
  expiry: `${P}webhook_certificate_expiry_timestamp_seconds{kind="leaf",pod="webhook-0"}`,
  inSync: `${P}webhook_ca_bundle_in_sync{pod="webhook-0"}`,
  uninjected: `${P}webhook_uninjected_pods{target_namespace="shop",pod="webhook-0"}`,
} as const;

/** The same of every agent. */
export function ofAll(name: string, values: string): Series {
  return Object.fromEntries(PODS.map((_, pod) => [of(name, pod), values]));
}

/** Heard for two minutes and then no more: the sample after the last one says so, as when a target goes. */
export function ended(series: Series): Series {
  return changed(series, (value) => `${value.replace(/x\d+$/, 'x8')} stale`);
}

export function never(series: Series): Series {
  return changed(series, () => `_x${SAMPLES}`);
}

function changed(series: Series, change: (value: string) => string): Series {
  return Object.fromEntries(Object.entries(series).map(([name, value]) => [name, change(value)]));
}

export function healthy(): Series {
  return { ...ofAgents(), ...ofWebhook() };
}

export function ofAgents(): Series {
  const ofMaster = (name: string, master: number): Series =>
    Object.fromEntries(PODS.map((_, pod) => [of(name, pod), always(pod === 0 ? master : 0)]));
  const each = (series: (pod: number) => string, value: (pod: number) => number): Series =>
    Object.fromEntries(PODS.map((_, pod) => [series(pod), always(value(pod))]));
  return {
    ...each(info, () => 1),
    ...each(role, (pod) => (pod === 0 ? 1 : 0)),
    ...each(won, () => 0),
    ...ofMaster('redis_writable', 1),
    ...ofMaster('eligible_candidates', 2),
    ...ofAll('masters_seen', always(1)),
    ...ofAll('master_labels', always(1)),
    ...ofAll('members_expected', always(3)),
    ...ofAll('peers_expected', always(2)),
    ...ofAll('peers_reachable', always(2)),
    ...ofAll('api_server_reachable', always(1)),
    ...ofAll('failsafe_active', always(0)),
    ...ofAll('paused', always(0)),
    ...ofAll('replication_lag_seconds', always(0)),
    ...ofAll('lost_bytes_total', always(0)),
  };
}

export function ofWebhook(): Series {
  return {
    [WEBHOOK.info]: always(1),
    [WEBHOOK.errors]: always(0),
    [WEBHOOK.expiry]: always(WEEK_SECONDS),
    [WEBHOOK.inSync]: always(1),
    [WEBHOOK.uninjected]: always(0),
  };
}
