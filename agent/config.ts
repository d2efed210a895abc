// Flags and environment → one validated Config of the agent.

import { helpText, type OptionValues, parseOptions } from '../src/options.ts';
import { isolationFault, TIMING_PROFILES, type Timing, timingFault } from './core/lease-clock.ts';
import { AGENT_OPTIONS } from './options.ts';

export type AgentConfig = OptionValues<typeof AGENT_OPTIONS> & { readonly timing: Timing };

export type ConfigResult =
  | { readonly kind: 'config'; readonly config: AgentConfig }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'invalid'; readonly errors: readonly string[] };

const LABEL = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

function contradictions(values: OptionValues<typeof AGENT_OPTIONS>): string[] {
  const errors: string[] = [];
  if ((values.redisTlsCert === undefined) !== (values.redisTlsKey === undefined)) {
    errors.push(
      '--redis-tls-cert, --redis-tls-key: only one is given. Remedy: give both, or neither.',
    );
  }
  const tlsDetails = [values.redisTlsCa, values.redisTlsCert, values.redisTlsServerName];
  if (!values.redisTls && tlsDetails.some((detail) => detail !== undefined)) {
    errors.push(
      '--redis-tls: is false although TLS files or a name are given. Remedy: add --redis-tls.',
    );
  }
  for (const [flag, value, most] of [
    ['--pod-name', values.podName, 253],
    ['--namespace', values.namespace, 63],
    // It is the value of a label, too.
    ['--group', values.group, 63],
  ] as const) {
    if (value === undefined || (LABEL.test(value) && value.length <= most)) continue;
    errors.push(
      `${flag}: ${JSON.stringify(value)} is no Kubernetes name. Remedy: use at most ${most} lower-case letters, digits, "-" and ".".`,
    );
  }
  return errors;
}

export function readConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ConfigResult {
  if (args.includes('--help') || args.includes('-h')) {
    const text = `redis-orchestrator agent: keeps one Redis of a group in its role.

Usage: agent --pod-name NAME --namespace NAMESPACE [flags]
Flags win over environment variables.

${helpText(AGENT_OPTIONS)}

In a cluster the pod's service account is used; outside, KUBECONFIG.
Example, beside any Redis:
  KUBECONFIG=~/.kube/config node dist/agent.mjs --pod-name redis-0 --namespace shop
`;
    return { kind: 'help', text };
  }
  const parsed = parseOptions(AGENT_OPTIONS, args, env);
  if (!parsed.ok) return { kind: 'invalid', errors: parsed.errors };
  const errors = contradictions(parsed.values);
  const timing = TIMING_PROFILES[parsed.values.timingProfile as keyof typeof TIMING_PROFILES];
  const fault = timingFault(timing);
  if (fault !== null) errors.push(`--timing-profile: ${fault}.`);
  const shortWait = parsed.values.isolation ? isolationFault(timing) : null;
  if (shortWait !== null) {
    errors.push(
      `--isolation: is true with --timing-profile ${parsed.values.timingProfile}: ${shortWait}. Remedy: choose --timing-profile balanced or calm, or leave --isolation out.`,
    );
  }
  if (errors.length > 0) return { kind: 'invalid', errors };
  return { kind: 'config', config: { ...parsed.values, timing } };
}
