// Which pods form this pod's group, and what the group is called (DESIGN 11).

import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { GROUP_LABEL } from '../../src/names.ts';

export type Group = {
  readonly name: string;
  /** What is watched, no pod by two of them; `belongs` then decides. */
  readonly selectors: readonly string[];
  readonly belongs: (pod: V1Pod) => boolean;
};

/** Labels that a workload's pods share for life; others change with a revision or a pod. */
const IDENTITY_LABELS = ['app', 'app.kubernetes.io/name', 'app.kubernetes.io/instance'] as const;

function ownerOf(pod: V1Pod): string | undefined {
  return pod.metadata?.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}

/**
 * An injected pod belongs with the pods of its group label, and with those of its own StatefulSet
 * that have no label yet: they have no agent and are adopted. A hand-written sidecar's group is
 * everything that its selector matches, as the founding way of using it had it.
 */
export function groupOf(
  self: V1Pod,
  config: { readonly group: string | undefined; readonly labelSelector: string },
): Group {
  const labels = self.metadata?.labels ?? {};
  const label = labels[GROUP_LABEL];
  const owner = ownerOf(self);
  const namespace = self.metadata?.namespace ?? '';
  const hash = createHash('sha256').update(`${namespace}/${config.labelSelector}`).digest('hex');
  const name = config.group ?? label ?? hash.slice(0, 16);
  const belongs = (pod: V1Pod): boolean => {
    const other = pod.metadata?.labels?.[GROUP_LABEL];
    if (label === undefined) return other === undefined || other === name;
    if (other !== undefined) return other === label;
    return owner !== undefined && ownerOf(pod) === owner;
  };
  const identity = IDENTITY_LABELS.flatMap((key) =>
    labels[key] === undefined ? [] : [`${key}=${labels[key]}`],
  );
  // Two StatefulSets of one group may differ in all other labels; those without a group label are
  // looked for among the pods that look like ours.
  const unlabelled = [...identity, `!${GROUP_LABEL}`].join(',');
  const selectors =
    label === undefined ? [config.labelSelector] : [`${GROUP_LABEL}=${label}`, unlabelled];
  return { name, selectors, belongs };
}
