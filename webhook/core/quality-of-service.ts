// Whether the agent costs the pod its QoS class Guaranteed: Kubernetes gives that class to a pod in which each
// container has limits of CPU and memory, and asks for just as much [its qos helper]. Such a pod is evicted last.

import { quantityOf } from '../../src/quantity.ts';
import { type Container, list, type Pod } from './pod.ts';
import { type Reason, reason } from './reasons.ts';

type Bounds = { readonly cpu?: unknown; readonly memory?: unknown } | null | undefined;

/** YAML has `cpu: 1` without quotes, too. */
function amount(value: unknown): number | undefined {
  const isWritten = typeof value === 'string' || typeof value === 'number';
  return isWritten ? quantityOf(String(value)) : undefined;
}

function isGuaranteed({ resources }: Container): boolean {
  const { limits, requests } = (resources ?? {}) as { limits?: Bounds; requests?: Bounds };
  return (['cpu', 'memory'] as const).every((name) => {
    const limit = limits?.[name] ?? undefined;
    // What is not asked for is as much as the limit.
    const request = requests?.[name] ?? limit;
    const most = amount(limit);
    return most !== undefined && most > 0 && most === amount(request);
  });
}

export function serviceWarnings({ spec }: Pod, agent: Container): readonly Reason[] {
  const containers = [...list(spec?.containers), ...list(spec?.initContainers)];
  // Resources of the whole pod decide where they are given.
  const isOfPod = (spec?.resources ?? undefined) !== undefined;
  const isLost = !isOfPod && !isGuaranteed(agent) && containers.every(isGuaranteed);
  return isLost ? [reason('qos-lowered')] : [];
}
