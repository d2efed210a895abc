// What an agent may do in its namespace: the exact rights, in one place. The controller makes the
// Role from it, and a test holds the hand-written manifests to it.

import type { V1PolicyRule } from '@kubernetes/client-node';

export const AGENT_RULES: V1PolicyRule[] = [
  // Find the peers; keep the role label and the mirror annotation.
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] },
  // The dataset of a missing pod counts while its volume exists.
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'list'] },
  // Report whether the clients' Services lead to the master, and find those with a fast route.
  { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch'] },
  // Mastership.
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'],
  },
  // The fast route. Without `get` and `update`: all are listed, and patched on their version.
  {
    apiGroups: ['discovery.k8s.io'],
    resources: ['endpointslices'],
    verbs: ['list', 'watch', 'create', 'patch', 'delete'],
  },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
];

/** Grows with the rules: an older webhook never takes rights away that a newer one gave. */
export const AGENT_RULES_REVISION = 2;
