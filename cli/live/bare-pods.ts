// Pods of a cluster that run Redis without an agent where one is asked for: the webhook's own core is asked about
// each, as if it came now.

import type { CoreConfig } from '../../webhook/core/plan.ts';
import type { BarePod } from '../commands/check-members.ts';
import { judge } from '../judge.ts';
import { isEnabled, type Namespaces, unasked } from '../namespaces.ts';
import { manifestOf } from './manifest-of.ts';
import { hasAgent, isEnded, type RawPod } from './raw-objects.ts';

export function barePods(
  pods: readonly RawPod[],
  core: CoreConfig,
  ownNamespace: string,
  namespaces: Namespaces,
): readonly BarePod[] {
  return pods.flatMap((pod) => {
    const { metadata } = pod;
    const namespace = metadata?.namespace ?? ownNamespace;
    // Of a namespace that nobody may read it is not known whether it asks.
    if (hasAgent(pod) || isEnded(pod) || !namespaces.has(namespace)) return [];
    const typed = { ...pod, apiVersion: 'v1', kind: 'Pod' };
    const judgement = judge(manifestOf([typed]), core, namespace, (name) =>
      isEnabled(namespaces, name),
    );
    const isBare =
      judgement.ok &&
      judgement.judged.some(
        ({ decision, workload }) =>
          decision.kind === 'inject' && unasked(namespaces, namespace, workload.pod) === undefined,
      );
    if (!isBare) return [];
    const name = metadata?.name ?? '';
    const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
    return [{ namespace, name, owner: owner ? `${owner.kind}/${owner.name}` : `Pod/${name}` }];
  });
}
