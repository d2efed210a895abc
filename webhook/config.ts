// The webhook's options: one table for parser, --help and docs, and what the core needs of them.

import { LOG_LEVEL_OPTION } from '../src/log.ts';
import { type OptionTable, type OptionValues, parseOptions } from '../src/options.ts';
import { VERSION } from '../src/version.ts';
import type { CoreConfig } from './core/plan.ts';

export const WEBHOOK_OPTIONS = {
  agentImage: {
    flag: 'agent-image',
    env: 'RO_AGENT_IMAGE',
    kind: 'string',
    required: true,
    text: 'image of the agent that is injected',
  },
  imagePullPolicy: {
    flag: 'image-pull-policy',
    env: 'RO_IMAGE_PULL_POLICY',
    kind: 'choice',
    choices: ['Always', 'IfNotPresent', 'Never'],
    fallback: 'IfNotPresent',
    text: 'pull policy of the injected agent',
  },
  nativeSidecar: {
    flag: 'native-sidecar',
    env: 'RO_NATIVE_SIDECAR',
    kind: 'choice',
    choices: ['auto', 'true', 'false'],
    fallback: 'auto',
    text: 'inject the agent as a native sidecar; auto: when every kubelet is 1.29 or newer',
  },
  selector: {
    flag: 'selector',
    env: 'RO_SELECTOR',
    kind: 'string',
    fallback: 'app=redis;app.kubernetes.io/name=redis;app.kubernetes.io/name=valkey',
    text: 'labels of pods that are surely Redis: alternatives of label=value, separated by ;',
  },
  excludedNamespaces: {
    flag: 'excluded-namespaces',
    env: 'RO_EXCLUDED_NAMESPACES',
    kind: 'string',
    fallback: 'kube-system,kube-public,kube-node-lease',
    text: 'namespaces that are never injected, separated by commas',
  },
  namespace: {
    flag: 'namespace',
    env: 'POD_NAMESPACE',
    kind: 'string',
    required: true,
    text: 'namespace of the webhook itself',
  },
  serviceName: {
    flag: 'service-name',
    env: 'RO_SERVICE_NAME',
    kind: 'string',
    fallback: 'redis-orchestrator-webhook',
    text: 'Service through which the API server calls the webhook',
  },
  configurationName: {
    flag: 'configuration-name',
    env: 'RO_CONFIGURATION_NAME',
    kind: 'string',
    fallback: 'redis-orchestrator',
    text: 'MutatingWebhookConfiguration whose caBundle is kept in place',
  },
  caSecret: {
    flag: 'ca-secret',
    env: 'RO_CA_SECRET',
    kind: 'string',
    fallback: 'redis-orchestrator-webhook-ca',
    text: 'Secret of the certificate authority, made by the first replica',
  },
  caLifetime: {
    flag: 'ca-lifetime',
    env: 'RO_CA_LIFETIME',
    kind: 'duration',
    fallback: '8760h',
    min: 15_000,
    text: 'lifetime of the certificate authority, renewed at two thirds',
  },
  certLifetime: {
    flag: 'cert-lifetime',
    env: 'RO_CERT_LIFETIME',
    kind: 'duration',
    fallback: '168h',
    min: 6000,
    text: 'lifetime of the serving certificate, renewed at two thirds',
  },
  certNames: {
    flag: 'cert-names',
    env: 'RO_CERT_NAMES',
    kind: 'string',
    text: 'further DNS names or addresses of the serving certificate, separated by commas',
  },
  tlsCertFile: {
    flag: 'tls-cert-file',
    env: 'RO_TLS_CERT_FILE',
    kind: 'string',
    text: 'serving certificate made by somebody else (cert-manager); reloaded when it changes',
  },
  tlsKeyFile: {
    flag: 'tls-key-file',
    env: 'RO_TLS_KEY_FILE',
    kind: 'string',
    text: 'key of --tls-cert-file',
  },
  tlsCaFile: {
    flag: 'tls-ca-file',
    env: 'RO_TLS_CA_FILE',
    kind: 'string',
    text: 'authority of --tls-cert-file, written as caBundle; absent: caBundle is left alone',
  },
  httpsHost: {
    flag: 'https-host',
    env: 'RO_HTTPS_HOST',
    kind: 'string',
    fallback: '::',
    text: 'address of /mutate',
  },
  httpsPort: {
    flag: 'https-port',
    env: 'RO_HTTPS_PORT',
    kind: 'integer',
    fallback: '8443',
    min: 1,
    max: 65_535,
    text: 'port of /mutate',
  },
  healthPort: {
    flag: 'health-port',
    env: 'RO_HEALTH_PORT',
    kind: 'integer',
    fallback: '8081',
    min: 1,
    max: 65_535,
    text: 'port of /healthz, /readyz and /metrics over plain HTTP',
  },
  drainDelay: {
    flag: 'drain-delay',
    env: 'RO_DRAIN_DELAY',
    kind: 'duration',
    fallback: '5s',
    max: 600_000,
    text: 'time between failing readiness and closing, on SIGTERM',
  },
  cpuRequest: {
    flag: 'agent-cpu-request',
    env: 'RO_AGENT_CPU_REQUEST',
    kind: 'string',
    fallback: '25m',
    text: 'CPU request of the agent',
  },
  cpuLimit: {
    flag: 'agent-cpu-limit',
    env: 'RO_AGENT_CPU_LIMIT',
    kind: 'string',
    fallback: '1',
    text: 'CPU limit of the agent; a low one slows failover',
  },
  memoryRequest: {
    flag: 'agent-memory-request',
    env: 'RO_AGENT_MEMORY_REQUEST',
    kind: 'string',
    fallback: '96Mi',
    text: 'memory request of the agent',
  },
  memoryLimit: {
    flag: 'agent-memory-limit',
    env: 'RO_AGENT_MEMORY_LIMIT',
    kind: 'string',
    fallback: '192Mi',
    text: 'memory limit of the agent',
  },
  logLevel: LOG_LEVEL_OPTION,
} as const satisfies OptionTable;

export type WebhookConfig = OptionValues<typeof WEBHOOK_OPTIONS>;

export type WebhookConfigResult =
  | { readonly ok: true; readonly config: WebhookConfig }
  | { readonly ok: false; readonly errors: readonly string[] };

export function readConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): WebhookConfigResult {
  const parsed = parseOptions(WEBHOOK_OPTIONS, args, env);
  if (!parsed.ok) return parsed;
  const config = parsed.values;
  const errors: string[] = [];
  if ((config.tlsCertFile === undefined) !== (config.tlsKeyFile === undefined)) {
    errors.push('--tls-cert-file: needs --tls-key-file. Remedy: give both, or neither.');
  }
  for (const alternative of splitList(config.selector, ';')) {
    if (/^[^=\s]+=[^=\s]*$/.test(alternative)) continue;
    errors.push(
      `--selector: ${JSON.stringify(alternative)} is no label=value. ` +
        'Remedy: write alternatives like app=redis;app=valkey.',
    );
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, config };
}

export function splitList(text: string | undefined, separator: string): readonly string[] {
  return (text ?? '')
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** The core's view; whether sidecars are native is decided elsewhere and may change. */
export function toCoreConfig(config: WebhookConfig, nativeSidecar: boolean): CoreConfig {
  return {
    agentImage: config.agentImage,
    imagePullPolicy: config.imagePullPolicy,
    nativeSidecar,
    selector: splitList(config.selector, ';').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    }),
    excludedNamespaces: new Set(splitList(config.excludedNamespaces, ',')),
    ownNamespace: config.namespace,
    version: VERSION,
    resources: {
      cpuRequest: config.cpuRequest,
      cpuLimit: config.cpuLimit,
      memoryRequest: config.memoryRequest,
      memoryLimit: config.memoryLimit,
    },
  };
}
