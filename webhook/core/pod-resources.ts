// What the agent asks for in a pod that has resources of its own (`spec.resources`, Kubernetes 1.32): the API
// server refuses a pod whose containers ask for more than it [validatePodResourceConsistency]. The person's number
// is not raised; the agent then runs without a share of its own, within the pod's.

import { quantityOf } from '../../src/quantity.ts';
import { type Container, list, type Pod } from './pod.ts';
import type { CoreConfig } from './plan.ts';

const NAMES = ['cpu', 'memory'] as const;
type Name = (typeof NAMES)[number];
type Amounts = Readonly<Partial<Record<Name, string>>>;

export type AgentResources = {
  readonly resources: { readonly requests?: Amounts; readonly limits?: Amounts };
  /** What the agent has neither request nor limit of: a limit alone would be a request, too. */
  readonly shared: readonly Name[];
};

type Bounds = { readonly [name: string]: unknown } | null | undefined;
type Resources = { readonly limits?: Bounds; readonly requests?: Bounds };

function amount(value: unknown): number | undefined {
  const isWritten = typeof value === 'string' || typeof value === 'number';
  return isWritten ? quantityOf(String(value)) : undefined;
}

/** A container that only has a limit asks for as much. */
function requestOf({ resources }: Container, name: Name): number {
  const { requests, limits } = (resources ?? {}) as Resources;
  return amount(requests?.[name]) ?? amount(limits?.[name]) ?? 0;
}

export function agentResources(pod: Pod, config: CoreConfig): AgentResources {
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = config.resources;
  const wanted = {
    requests: { cpu: cpuRequest, memory: memoryRequest },
    limits: { cpu: cpuLimit, memory: memoryLimit },
  };
  const ofPod = (pod.spec?.resources ?? {}) as Resources;
  const running = [
    ...list(pod.spec?.containers),
    ...list(pod.spec?.initContainers).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ];
  const shared = NAMES.filter((name) => {
    const asked = running.reduce((sum, container) => sum + requestOf(container, name), 0);
    const limit = amount(ofPod.limits?.[name]);
    // As the API server fills it in before the webhook sees the pod.
    const request =
      amount(ofPod.requests?.[name]) ?? (limit !== undefined && asked > 0 ? asked : limit);
    const own = amount(wanted.requests[name]) ?? 0;
    return request !== undefined && asked + own > request * (1 + Number.EPSILON);
  });
  const fits = NAMES.filter((name) => !shared.includes(name));
  // A limit above the pod's would say nothing, and the API server refuses it.
  const below = fits.filter((name) => {
    const limit = amount(ofPod.limits?.[name]) ?? Number.POSITIVE_INFINITY;
    return (amount(wanted.limits[name]) ?? 0) <= limit;
  });
  const pick = (key: 'requests' | 'limits', names: readonly Name[]): object =>
    names.length === 0
      ? {}
      : { [key]: Object.fromEntries(names.map((name) => [name, wanted[key][name]])) };
  return { resources: { ...pick('requests', fits), ...pick('limits', below) }, shared };
}
