// What check finds at one object: its labels, what the webhook would say to it, its kind and its number of pods.

import { INJECT_LABEL } from '../../src/names.ts';
import { findRedis } from '../../webhook/core/find-container.ts';
import { isSilent } from '../../webhook/core/reasons.ts';
import type { Judged } from '../judge.ts';
import { isMap } from '../../src/json.ts';
import { type Item, titleOf, workloadOf } from '../manifest/workloads.ts';
import { labelOf, type Namespaces, unasked } from '../namespaces.ts';
import { type Finding, fromReason } from './finding.ts';

/** Labels that do nothing where they stand, or for what they say. */
export function labelFindings(items: readonly Item[]): Finding[] {
  return items.flatMap((item): Finding[] => {
    const value = labelOf(item);
    const about = titleOf(item);
    const isPod = item.kind === 'Pod';
    if (value === undefined) return [];
    if (item.kind === 'Namespace' || isPod) {
      if (value === 'enabled' || value === 'disabled' || isPod) return [];
      const remedy = `write ${INJECT_LABEL}=enabled or disabled`;
      const text = `the label ${INJECT_LABEL}=${value} means nothing`;
      return [{ level: 'error', about, code: 'label-misspelt', text, remedy }];
    }
    if (workloadOf(item) === undefined) return [];
    const text = `the label ${INJECT_LABEL} on the ${item.kind} itself does nothing`;
    const remedy = 'put it under spec.template.metadata.labels, or on the Namespace';
    return [{ level: 'warning', about, code: 'label-misplaced', text, remedy }];
  });
}

export function podFindings(judged: Judged, namespaces: Namespaces): Finding[] {
  const { workload, namespace, decision } = judged;
  const { item, pod } = workload;
  const about = titleOf({ ...item, namespace });
  const never = unasked(namespaces, namespace, pod);
  switch (decision.kind) {
    case 'deny':
      return decision.reasons.map((why) => fromReason('error', about, why));
    case 'skip': {
      const { code } = decision.reason;
      // Whatever the reason is: a Redis that nobody cares for is to be known.
      const isLeft = code !== 'already-injected' && findRedis(pod, true).kind !== 'none';
      const told = isSilent(code) && !isLeft ? [] : [decision.reason];
      return [...told, ...decision.warnings].map((why) => fromReason('warning', about, why));
    }
    case 'inject':
      if (never !== undefined) return [fromReason('error', about, never)];
      return [
        ...workloadFindings(item, about),
        ...decision.warnings
          // Told of the object already, wherever its labels stand.
          .filter(({ code }) => code !== 'label-unknown')
          .map((why) => fromReason('warning', about, why)),
      ];
  }
}

/** What kind and number of the pods mean for the group. */
export function workloadFindings(item: Item, about: string): Finding[] {
  const spec = isMap(item.value['spec']) ? item.value['spec'] : {};
  const replicas = spec['replicas'] ?? (item.kind === 'Pod' ? undefined : 1);
  const findings: Finding[] = [];
  if (item.kind === 'Deployment' || item.kind === 'ReplicaSet') {
    findings.push({
      level: 'warning',
      about,
      code: 'no-stateful-set',
      text: `the pods of a ${item.kind} have neither names nor volumes of their own`,
      remedy: 'use a StatefulSet with volumeClaimTemplates, where the data matter',
    });
  }
  if (replicas === 1 && item.kind !== 'DaemonSet') {
    findings.push({
      level: 'warning',
      about,
      code: 'one-replica',
      text: 'one pod: nobody takes over when it fails',
      remedy: 'set replicas to 2 or more',
    });
  }
  return findings;
}
