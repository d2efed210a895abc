// What the webhook's unit tests share: an installation and a namespace that is ready.

import type { CoreConfig, NamespaceFacts } from '../../webhook/core/plan.ts';
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
