// The manifests of manifests/monitoring: file name to text. All but kustomization.yaml are made here.

import { stringify } from 'yaml';
import { AGENT_PORT_NAME, GROUP_LABEL } from '../names.ts';
import { dashboard } from './dashboard.ts';
import { ruleGroups, type RuleGroupsOptions } from './rule-groups.ts';

const HEAD = '# Made by scripts/monitoring.mjs from src/monitoring; a test holds it to them.\n';
const MONITORING = 'monitoring.coreos.com/v1';
const LABELS = { 'app.kubernetes.io/name': 'redis-orchestrator' } as const;
const INTERVAL = '15s';

function text(value: object): string {
  return stringify(value, { lineWidth: 0 });
}

function yaml(value: object): string {
  return `${HEAD}${text(value)}`;
}

/** In every namespace: sidecars have no Service, so pods are scraped, by the name of the agent's port. */
function agentMonitor() {
  return {
    apiVersion: MONITORING,
    kind: 'PodMonitor',
    metadata: { name: 'redis-orchestrator-agents', labels: LABELS },
    spec: {
      namespaceSelector: { any: true },
      selector: { matchExpressions: [{ key: GROUP_LABEL, operator: 'Exists' }] },
      podMetricsEndpoints: [{ port: AGENT_PORT_NAME, path: '/metrics', interval: INTERVAL }],
    },
  };
}

function webhookMonitor() {
  return {
    apiVersion: MONITORING,
    kind: 'PodMonitor',
    metadata: { name: 'redis-orchestrator-webhook', labels: LABELS },
    spec: {
      selector: { matchLabels: { ...LABELS, 'app.kubernetes.io/component': 'webhook' } },
      podMetricsEndpoints: [{ port: 'health', path: '/metrics', interval: INTERVAL }],
    },
  };
}

export function monitoringFiles(options: RuleGroupsOptions = {}): Readonly<Record<string, string>> {
  const rules = ruleGroups(options);
  const monitors =
    options.hasWebhook === false ? [agentMonitor()] : [agentMonitor(), webhookMonitor()];
  const rule = {
    apiVersion: MONITORING,
    kind: 'PrometheusRule',
    metadata: { name: 'redis-orchestrator', labels: LABELS },
    spec: rules,
  };
  return {
    'prometheus-rule.yaml': yaml(rule),
    'pod-monitors.yaml': `${HEAD}${monitors.map(text).join('---\n')}`,
    'rules.yaml': yaml(rules),
    'dashboard.json': `${JSON.stringify(dashboard(), null, 2)}\n`,
  };
}
