// Asks the webhook's own core about everything in a manifest that is a pod or makes pods.

import { messageOf } from '../src/errors.ts';
import { decide } from '../webhook/core/decide.ts';
import type { CoreConfig, Decision } from '../webhook/core/plan.ts';
import { isTemplate, type Manifest, RENDER_FIRST } from './manifest/parse.ts';
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
    try {
      const fault = faultOf(workload);
      if (fault !== undefined) throw new Error(fault);
      // Whether the agent's account is there cannot be seen from here.
      const facts = { name: namespace, isEnabled: isEnabled(namespace), isReady: true };
      judged.push({ workload, namespace, decision: decide(workload.pod, facts, core) });
    } catch (error) {
      errors.push(unreadable(manifest, workload, messageOf(error)));
    }
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, judged };
}

export function unreadable(manifest: Manifest, { item }: Workload, why: string): string {
  const remedy = isTemplate(why)
    ? RENDER_FIRST
    : 'make it what Kubernetes accepts (texts that look like numbers or yes need quotes)';
  const where = `${manifest.name}: document ${item.document + 1}, ${titleOf(item)}`;
  return `${where}: ${why}. Remedy: ${remedy}.`;
}
