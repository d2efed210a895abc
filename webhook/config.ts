// The webhook's options: one table for parser, --help and docs, and what the core needs of them.

import {
  AGENT_RESOURCE_OPTIONS,
  INJECTION_OPTIONS,
  resourceErrors,
  selectorErrors,
} from '../src/injection-options.ts';
import { LOG_LEVEL_OPTION } from '../src/log.ts';
import { type OptionTable, type OptionValues, parseOptions } from '../src/options.ts';
import { coreConfig } from './core/core-config.ts';
import type { CoreConfig } from './core/plan.ts';

export const WEBHOOK_OPTIONS = {
  agentImage: { ...INJECTION_OPTIONS.agentImage, required: true },
  imagePullPolicy: INJECTION_OPTIONS.imagePullPolicy,
  nativeSidecar: {
    flag: 'native-sidecar',
    env: 'RO_NATIVE_SIDECAR',
    kind: 'choice',
    choices: ['auto', 'true', 'false'],
    fallback: 'auto',
    text: 'inject the agent as a native sidecar; auto: when every kubelet is 1.29 or newer',
  },
  selector: INJECTION_OPTIONS.selector,
  excludedNamespaces: INJECTION_OPTIONS.excludedNamespaces,
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
  roundInterval: {
    flag: 'round-interval',
    env: 'RO_ROUND_INTERVAL',
    kind: 'duration',
    fallback: '30s',
    min: 100,
    max: 3_600_000,
    text: 'how often the leader looks for pods without an agent, and for what nobody uses any more',
  },
  drainDelay: {
    flag: 'drain-delay',
    env: 'RO_DRAIN_DELAY',
    kind: 'duration',
    fallback: '5s',
    max: 600_000,
    text: 'time between failing readiness and closing, on SIGTERM',
  },
  ...AGENT_RESOURCE_OPTIONS,
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
  errors.push(...selectorErrors(config.selector), ...resourceErrors(config));
  return errors.length > 0 ? { ok: false, errors } : { ok: true, config };
}

/** The core's view; whether sidecars are native is decided elsewhere and may change. */
export function toCoreConfig(config: WebhookConfig, nativeSidecar: boolean): CoreConfig {
  return coreConfig(config, config.namespace, nativeSidecar);
}
