// What the Prometheus operator makes of a PodMonitor, as its generatePodMonitorConfig does
// (prometheus-operator v0.85.0, pkg/prometheus/promcfg.go), for what ours have; less the shards.

type Requirement = { readonly key: string; readonly operator: string };

export type PodMonitor = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly namespaceSelector?: { readonly any?: boolean };
    readonly selector: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly Requirement[];
    };
    readonly podMetricsEndpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly interval: string;
    }[];
  };
};

const labelName = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
const present = (key: string): string => `__meta_kubernetes_pod_labelpresent_${labelName(key)}`;

function keepSelected({ matchLabels = {}, matchExpressions = [] }: PodMonitor['spec']['selector']) {
  const labels = Object.entries(matchLabels).map(([key, value]) => ({
    action: 'keep',
    source_labels: [`__meta_kubernetes_pod_label_${labelName(key)}`, present(key)],
    regex: `(${value});true`,
  }));
  const expressions = matchExpressions.map(({ key, operator }) => {
    if (operator !== 'Exists') throw new Error(`${operator} is not translated`);
    return { action: 'keep', source_labels: [present(key)], regex: 'true' };
  });
  return [...labels, ...expressions];
}

/** One for each endpoint. */
export function scrapeConfigsOf({ metadata, spec }: PodMonitor, kubeconfig: string): object[] {
  const { name, namespace } = metadata;
  const where = spec.namespaceSelector?.any === true ? {} : { namespaces: { names: [namespace] } };
  return spec.podMetricsEndpoints.map(({ port, path, interval }, index) => ({
    job_name: `podMonitor/${namespace}/${name}/${index}`,
    honor_labels: false,
    kubernetes_sd_configs: [{ role: 'pod', kubeconfig_file: kubeconfig, ...where }],
    scrape_interval: interval,
    metrics_path: path,
    relabel_configs: [
      { source_labels: ['job'], target_label: '__tmp_prometheus_job_name' },
      {
        action: 'drop',
        source_labels: ['__meta_kubernetes_pod_phase'],
        regex: '(Failed|Succeeded)',
      },
      ...keepSelected(spec.selector),
      {
        action: 'keep',
        source_labels: ['__meta_kubernetes_pod_container_port_name'],
        regex: port,
      },
      { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
      { source_labels: ['__meta_kubernetes_pod_container_name'], target_label: 'container' },
      { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
      { target_label: 'job', replacement: `${namespace}/${name}` },
      { target_label: 'endpoint', replacement: port },
    ],
  }));
}
