// Asks the webhook's own core about everything in a manifest that is a pod or makes pods.

import { messageOf } from '../src/errors.ts';
import { decide } from '../webhook/core/decide.ts';
import type { CoreConfig, Decision } from '../webhook/core/plan.ts';
import { type Fault, faultText } from '../webhook/core/pod-fault.ts';
import type { Manifest } from './manifest/parse.ts';
import { faultOf, itemsOf, titleOf, type Workload, workloadOf } from './manifest/workloads.ts';

export type Judged = {
  readonly workload: Workload;
  readonly namespace: string;
  readonly decision: Decision;
};

export type Judgement =
  | { readonly ok: true; readonly judged: readonly Judged[] }
  | { readonly ok: false; readonly errors: readonly string[] };

export function workloadsOf({ values }: Manifest): Workload[] {
  return itemsOf(values).flatMap((item) => workloadOf(item) ?? []);
}

/** `isEnabled`: whether a namespace has the label that asks for the injection of its pods. */
export function judge(
  manifest: Manifest,
  core: CoreConfig,
  ownNamespace: string,
  isEnabled: (namespace: string) => boolean,
): Judgement {
  const judged: Judged[] = [];
  const errors: string[] = [];
  for (const workload of workloadsOf(manifest)) {
    const namespace = workload.item.namespace ?? ownNamespace;
    const fault = faultOf(workload);
    if (fault !== undefined) {
      errors.push(unreadable(manifest, workload, fault));
      continue;
    }
    try {
      // Whether the agent's account is there cannot be seen from here.
      const facts = { name: namespace, isEnabled: isEnabled(namespace), isReady: true };
      judged.push({ workload, namespace, decision: decide(workload.pod, facts, core) });
    } catch (error) {
      const remedy = 'make it what Kubernetes accepts (kubectl apply --dry-run=server)';
      errors.push(unreadable(manifest, workload, { field: '', what: messageOf(error), remedy }));
    }
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, judged };
}

export function unreadable(manifest: Manifest, { item }: Workload, why: Fault): string {
  const where = `${manifest.name}: document ${item.document + 1}, ${titleOf(item)}`;
  return `${where}: ${faultText(why)}. Remedy: ${why.remedy}.`;
}
