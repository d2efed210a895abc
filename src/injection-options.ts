// Options of an injection that the webhook and the command line have in common: one table, so that the same
// pod comes out of both.

import type { OptionTable } from './options.ts';
import { quantityOf } from './quantity.ts';

export const INJECTION_OPTIONS = {
  /** The webhook demands it, the command line knows the usual one. */
  agentImage: {
    flag: 'agent-image',
    env: 'RO_AGENT_IMAGE',
    kind: 'string',
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
} as const satisfies OptionTable;

export const AGENT_RESOURCE_OPTIONS = {
  cpuRequest: {
    flag: 'agent-cpu-request',
    env: 'RO_AGENT_CPU_REQUEST',
    kind: 'quantity',
    fallback: '25m',
    text: 'CPU request of the agent',
  },
  cpuLimit: {
    flag: 'agent-cpu-limit',
    env: 'RO_AGENT_CPU_LIMIT',
    kind: 'quantity',
    fallback: '1',
    text: 'CPU limit of the agent; a low one slows failover',
  },
  memoryRequest: {
    flag: 'agent-memory-request',
    env: 'RO_AGENT_MEMORY_REQUEST',
    kind: 'quantity',
    fallback: '96Mi',
    text: 'memory request of the agent',
  },
  memoryLimit: {
    flag: 'agent-memory-limit',
    env: 'RO_AGENT_MEMORY_LIMIT',
    kind: 'quantity',
    fallback: '192Mi',
    text: 'memory limit of the agent',
  },
} as const satisfies OptionTable;

export function splitList(text: string | undefined, separator: string): readonly string[] {
  return (text ?? '')
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

type Resources = { readonly [K in keyof typeof AGENT_RESOURCE_OPTIONS]: string };

/** The API server refuses each pod in which a container asks for more than it may have. */
export function resourceErrors(values: Resources): readonly string[] {
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = AGENT_RESOURCE_OPTIONS;
  const pairs = [
    [cpuRequest.flag, values.cpuRequest, cpuLimit.flag, values.cpuLimit],
    [memoryRequest.flag, values.memoryRequest, memoryLimit.flag, values.memoryLimit],
  ] as const;
  return pairs.flatMap(([request, asked, limit, most]) =>
    (quantityOf(asked) ?? 0) > (quantityOf(most) ?? 0)
      ? [`--${request}: ${asked} is more than --${limit} ${most}. Remedy: raise the limit.`]
      : [],
  );
}

/** What is wrong with a selector, one sentence for each mistake. */
export function selectorErrors(selector: string): readonly string[] {
  return splitList(selector, ';')
    .filter((alternative) => !/^[^=\s]+=[^=\s]*$/.test(alternative))
    .map(
      (alternative) =>
        `--selector: ${JSON.stringify(alternative)} is no label=value. ` +
        'Remedy: write alternatives like app=redis;app=valkey.',
    );
}
