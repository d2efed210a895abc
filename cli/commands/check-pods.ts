// What check finds at one object: its labels, what the webhook would say to it, its kind and its number of pods.

import { INJECT_LABEL } from '../../src/names.ts';
import { isSilent, type Reason, type ReasonCode, reasonText } from '../../webhook/core/reasons.ts';
import type { Judged } from '../judge.ts';
import { isMap } from '../../src/json.ts';
import { type Item, titleOf, workloadOf } from '../manifest/workloads.ts';
import { labelOf, type Namespaces, unasked } from '../namespaces.ts';

export type Level = 'ok' | 'warning' | 'error';

export type Finding = {
  readonly level: Level;
  readonly about: string;
  /** Of webhook/core/reasons.ts where the webhook would say the same, or one of check's own. */
  readonly code?: string;
  readonly text: string;
  readonly remedy?: string;
};

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

/** What to do where the reason's own text does not tell. */
export const REMEDIES: Readonly<Partial<Record<ReasonCode, string>>> = {
  'namespace-unlabelled': `label the Namespace ${INJECT_LABEL}=enabled`,
  'hand-written': 'take the container out and let the webhook add it, or care for it by hand',
  'windows-pod': 'run Redis on Linux nodes',
  'redis-too-old': 'use an image of Redis 6.0 or newer',
  'owned-replication': 'take the replication setting out: the agents set it',
  'owned-sentinel': 'take Sentinel out; the agents do its work',
  'owned-cluster': 'leave it as it is, or run Redis without cluster mode',
  'owned-operator': 'leave it to its operator',
  'container-unknown': 'name one of the containers in the annotation',
  'prestop-kept': 'let your hook call the agent (GET /prestop), or remove it',
  'token-shared': 'take automountServiceAccountToken: true out, if nothing needs a token',
  'bind-loopback': 'bind an address of the pod, or take bind out',
  'port-differs': 'correct containerPort',
  'acl-without-user': 'set redis-orchestrator.io/redis-user and password-secret',
  'tls-files-hidden': 'mount the file from a Secret',
  'config-file-hidden': 'mount the file from a ConfigMap or Secret',
};

function fromReason(level: Level, about: string, why: Reason): Finding {
  const remedy = REMEDIES[why.code];
  const told = { level, about, code: why.code, text: reasonText(why) };
  return remedy === undefined ? told : { ...told, remedy };
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
      const told = isSilent(decision.reason.code) ? [] : [decision.reason];
      return [...told, ...decision.warnings].map((why) => fromReason('warning', about, why));
    }
    case 'inject':
      if (never !== undefined) return [fromReason('error', about, never)];
      return [
        ...kindFindings(item, about),
        ...decision.warnings.map((why) => fromReason('warning', about, why)),
      ];
  }
}

function kindFindings(item: Item, about: string): Finding[] {
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
