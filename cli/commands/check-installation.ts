// What check finds at the webhook that stands in a cluster, and at what it makes in the namespaces that ask for
// injection. Pure.

import { ageText } from '../ages.ts';
import { INJECTION_OPTIONS } from '../../src/injection-options.ts';
import { isMap } from '../../src/json.ts';
import { AGENT_ROLE, AGENT_SERVICE_ACCOUNT, INJECT_LABEL } from '../../src/names.ts';
import { type Configuration, serviceNamespace } from './check-presence.ts';
import { type Finding, type Seen, unseen } from './finding.ts';

/** As the alert WebhookUnhealthy has it. */
const CERTIFICATE_LEFT_MS = 36 * 3_600_000;

const IMAGE_FLAG = `--${INJECTION_OPTIONS.agentImage.flag}=`;

export type Deployment = {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly args?: readonly string[] }[] };
    };
  };
  readonly status?: { readonly readyReplicas?: number };
};

export type InstallationFacts = {
  /** Null: there is none. */
  readonly configuration: Seen<Configuration | null>;
  readonly deployment: Seen<Deployment | null>;
  readonly deploymentName: string;
  readonly systemNamespace: string;
  /** When the last certificate of an authority ends, one for each entry; null: it holds none. */
  readonly authorityEnds: readonly (number | null)[];
  readonly nowEpochMs: number;
  /** That ask for injection. */
  readonly asking: readonly string[];
  /** Where what the webhook makes is there. */
  readonly made: readonly { readonly kind: string; readonly where: Seen<readonly string[]> }[];
};

export function installationFindings(facts: InstallationFacts): readonly Finding[] {
  const { configuration } = facts;
  if (!configuration.ok) return [unseen('webhook', configuration.why), ...madeFindings(facts)];
  // One without entries asks nobody, and nobody is told.
  const isAbsent = (configuration.value?.webhooks ?? []).length === 0;
  if (configuration.value === null || isAbsent) return absentFindings(facts);
  return [
    ...trustFindings(facts),
    ...deploymentFindings(facts, configuration.value),
    ...madeFindings(facts),
  ];
}

/** The same of one that must be there, in this namespace; `isAll`: all namespaces that ask for it are known. */
export function installedFindings(
  facts: InstallationFacts,
  wanted: string,
  isAll: boolean,
): readonly Finding[] {
  const { configuration, asking } = facts;
  const found = configuration.ok ? configuration.value : undefined;
  if (found === null) return [noWebhook('there is none: nothing is injected')];
  const there = serviceNamespace(found?.webhooks?.[0]) ?? wanted;
  if (there !== wanted) {
    const text = `it belongs to an installation in namespace ${there}, not to that in ${wanted}`;
    const remedy = 'take one of the two away: there is one for each cluster';
    return [{ level: 'error', about: 'webhook', code: 'installed-elsewhere', text, remedy }];
  }
  const text = `none asks for injection yet (${INJECT_LABEL}=enabled)`;
  return [
    ...installationFindings(facts),
    ...(isAll && asking.length === 0 ? [{ level: 'ok' as const, about: 'namespaces', text }] : []),
  ];
}

/** Agents that are written by hand need none. */
function absentFindings({ configuration, asking }: InstallationFacts): readonly Finding[] {
  const about = 'webhook';
  const isEmpty = configuration.ok && configuration.value !== null;
  const what = isEmpty ? 'its configuration names none' : 'there is none';
  if (asking.length === 0) {
    return [{ level: 'ok', about, text: `${what}, and no namespace that was seen asks for it` }];
  }
  return [noWebhook(`${what}: nothing is injected in ${asking.join(', ')}`)];
}

function noWebhook(text: string): Finding {
  const remedy = 'look by check --pre, then kubectl apply -k manifests/base, or the Helm chart';
  return { level: 'error', about: 'webhook', code: 'no-webhook', text, remedy };
}

function logOf({ deploymentName, systemNamespace }: InstallationFacts): string {
  return `kubectl logs -n ${systemNamespace} deployment/${deploymentName}`;
}

function trustFindings(facts: InstallationFacts): readonly Finding[] {
  const { authorityEnds, nowEpochMs } = facts;
  const about = 'webhook';
  if (authorityEnds.includes(null)) {
    const text =
      'its configuration has no caBundle: the API server does not trust it, and creates no pod where it is asked';
    const remedy = `the webhook writes it itself once it runs: ${logOf(facts)}`;
    return [{ level: 'error', about, code: 'no-ca-bundle', text, remedy }];
  }
  // Without entries nobody is asked, and there is nothing to trust.
  if (authorityEnds.length === 0) return [];
  const leftMs = Math.min(...authorityEnds.map((end) => (end ?? 0) - nowEpochMs));
  const left = ageText(leftMs);
  if (leftMs > CERTIFICATE_LEFT_MS) {
    const text = `the API server trusts it: its certificate authority ends in ${left}`;
    return [{ level: 'ok', about, text }];
  }
  const hasEnded = leftMs <= 0;
  return [
    {
      level: hasEnded ? 'error' : 'warning',
      about,
      code: 'certificate-ends',
      text: hasEnded
        ? 'its certificate authority has ended'
        : `its certificate authority ends in ${left}`,
      remedy: `it is renewed by the webhook itself, or by whoever brings its files: ${logOf(facts)}`,
    },
  ];
}

function deploymentFindings(
  facts: InstallationFacts,
  { webhooks = [] }: Configuration,
): readonly Finding[] {
  const { deployment, systemNamespace, deploymentName } = facts;
  const about = 'webhook';
  // By its URL it may be anywhere.
  if (serviceNamespace(webhooks[0]) === undefined) {
    return [{ level: 'ok', about, text: `it is asked at ${urlOf(webhooks)}, outside of Services` }];
  }
  if (!deployment.ok) return [unseen(about, deployment.why)];
  const wanted = deployment.value?.spec?.replicas ?? 0;
  const ready = deployment.value?.status?.readyReplicas ?? 0;
  const state =
    deployment.value === null
      ? `there is no Deployment ${systemNamespace}/${deploymentName}`
      : `${ready} of ${wanted} pods are ready`;
  if (ready > 0 && ready >= wanted) return [{ level: 'ok', about, text: state }];
  const code = 'webhook-not-ready';
  const remedy = `kubectl describe pods -n ${systemNamespace}; ${logOf(facts)}`;
  if (ready > 0) return [{ level: 'warning', about, code, text: state, remedy }];
  const text = `${state}: no pod is created in namespaces that ask for injection`;
  return [{ level: 'error', about, code, text, remedy }];
}

function urlOf(webhooks: NonNullable<Configuration['webhooks']>): string {
  const config = webhooks[0]?.['clientConfig'];
  return isMap(config) ? String(config['url']) : 'no address';
}

function madeFindings(facts: InstallationFacts): readonly Finding[] {
  const { asking, made } = facts;
  const closed = made.flatMap(({ where }) => (where.ok ? [] : [where.why]));
  const lacking = asking.flatMap((namespace) => {
    const missing = made.filter(({ where }) => where.ok && !where.value.includes(namespace));
    return missing.length === 0 ? [] : [{ namespace, kinds: missing.map(({ kind }) => kind) }];
  });
  const isAllSeen = closed.length === 0 && lacking.length === 0;
  const text = `${asking.join(', ')}: account and rights of the agents are there`;
  return [
    ...lacking.map(({ namespace, kinds }) => ({
      level: 'error' as const,
      about: `namespace ${namespace}`,
      code: 'agents-without-rights',
      text: `it has no ${kinds.map(nameOf).join(', ')}: its agents may do nothing`,
      remedy: `the webhook makes them within seconds; why it does not: ${logOf(facts)}`,
    })),
    ...(asking.length === 0 ? [] : [...new Set(closed)].map((why) => unseen('namespaces', why))),
    ...(isAllSeen && asking.length > 0
      ? [{ level: 'ok' as const, about: 'namespaces', text }]
      : []),
  ];
}

/** For people: with the name that it has. */
function nameOf(kind: string): string {
  return `${kind} ${kind === 'ServiceAccount' ? AGENT_SERVICE_ACCOUNT : AGENT_ROLE}`;
}

/** The agent that a pod would get now; undefined: it cannot be seen. */
export function injectedImage({ deployment }: InstallationFacts): string | undefined {
  const template = deployment.ok ? deployment.value?.spec?.template : undefined;
  const args = (template?.spec?.containers ?? []).flatMap((container) => container.args ?? []);
  return args.find((arg) => arg.startsWith(IMAGE_FLAG))?.slice(IMAGE_FLAG.length);
}
