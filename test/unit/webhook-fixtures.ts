// What the webhook's unit tests share: an installation and a namespace that is ready.

import { applyPatch } from 'rfc6902';
import { toPatch } from '../../webhook/core/patch.ts';
import type { CoreConfig, NamespaceFacts, Plan } from '../../webhook/core/plan.ts';
import type { Container, Pod } from '../../webhook/core/pod.ts';

export const CORE: CoreConfig = {
  agentImage: 'redis-orchestrator/agent:test',
  imagePullPolicy: 'IfNotPresent',
  nativeSidecar: true,
  selector: [['app', 'redis']],
  excludedNamespaces: new Set(['kube-system']),
  ownNamespace: 'redis-orchestrator-system',
  version: 'test',
  resources: { cpuRequest: '25m', cpuLimit: '1', memoryRequest: '96Mi', memoryLimit: '192Mi' },
};

export const NAMESPACE: NamespaceFacts = { name: 'shop', isEnabled: true, isReady: true };

export function redisPod(container: Partial<Container> = {}, pod: Partial<Pod> = {}): Pod {
  return {
    metadata: { name: 'redis-0', labels: { app: 'redis' }, ...pod.metadata },
    spec: { containers: [{ name: 'redis', image: 'redis:7', ...container }], ...pod.spec },
  };
}

/** The pod as the API server would have it: by an independent implementation of JSON Patch. */
export function patchedBy(pod: Pod, plan: Plan): Pod {
  const patched = structuredClone(pod);
  const patch = structuredClone(toPatch(pod, plan)) as Parameters<typeof applyPatch>[1];
  const errors = applyPatch(patched, patch).filter((error) => error !== null);
  if (errors.length > 0) throw new Error(String(errors[0]));
  return patched;
}
