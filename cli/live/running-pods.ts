// Pods of a cluster as check judges them: those that run Redis without an agent where one is asked for, and those that
// the webhook has given one.

import { STATUS_ANNOTATION } from '../../src/names.ts';
import type { CoreConfig } from '../../webhook/core/plan.ts';
import type { InjectedPod, RunningPod } from '../commands/check-members.ts';
import { judge } from '../judge.ts';
import { isEnabled, type Namespaces, unasked } from '../namespaces.ts';
import { manifestOf } from './manifest-of.ts';
import { agentImage, hasAgent, isEnded, type RawPod } from './raw-objects.ts';

/** The webhook's own core is asked about each, as if it came now. */
export function barePods(
  pods: readonly RawPod[],
  core: CoreConfig,
  ownNamespace: string,
  namespaces: Namespaces,
): readonly RunningPod[] {
  return pods.flatMap((pod) => {
    const namespace = pod.metadata?.namespace ?? ownNamespace;
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
    return isBare ? [placeOf(pod)] : [];
  });
}

/** What people wrote by hand has the agent that they chose. */
export function injectedPods(pods: readonly RawPod[]): readonly InjectedPod[] {
  return pods.flatMap((pod) => {
    const image = agentImage(pod);
    const isOurs = pod.metadata?.annotations?.[STATUS_ANNOTATION] !== undefined;
    return isOurs && image !== undefined && !isEnded(pod) ? [{ ...placeOf(pod), image }] : [];
  });
}

function placeOf({ metadata }: RawPod): RunningPod {
  const name = metadata?.name ?? '';
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return {
    namespace: metadata?.namespace ?? '',
    name,
    owner: owner === undefined ? `Pod/${name}` : `${owner.kind}/${owner.name}`,
  };
}
