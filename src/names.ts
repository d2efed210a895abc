// Every label, annotation and fixed name of the product in one place.

export const PREFIX = 'redis-orchestrator.io';

/** On a namespace or a pod: `enabled` or `disabled`. */
export const INJECT_LABEL = `${PREFIX}/inject`;
/** On a pod: the group of pods that replicate one dataset. */
export const GROUP_LABEL = `${PREFIX}/group`;
/** On a pod: `master` or `replica`; a plain Service selects on it. */
export const ROLE_LABEL = 'redis-role';
/** On a Service without a selector: `master` or `replicas`; the group label says of which group. */
export const ROUTE_LABEL = `${PREFIX}/route`;

/** On a pod, by the webhook: JSON that tells what was injected. */
export const STATUS_ANNOTATION = `${PREFIX}/status`;
/** On a service account, Role or RoleBinding, by the webhook: it made it, and may take it away. */
export const MADE_ANNOTATION = `${PREFIX}/made`;
/** On a pod, by its agent: mirror of term, lineage and dataset (survives the Lease's deletion). */
export const MIRROR_ANNOTATION = `${PREFIX}/mirror`;
/** On the Lease: the record (candidates, goal, lineage, datasets, history), JSON. */
export const RECORD_ANNOTATION = `${PREFIX}/record`;
/** On a pod, by a person: replication id of the data that may be overwritten. */
export const DISCARD_DATA_ANNOTATION = `${PREFIX}/discard-data`;
/** On a pod, by a person: `true` on the one whose data win among several unmanaged masters. */
export const ADOPT_FROM_ANNOTATION = `${PREFIX}/adopt-from`;
/** On the Lease, by a person: term in which anybody of the group may acquire; `5 by alice` tells who. */
export const FORCE_ANNOTATION = `${PREFIX}/force`;

/** On the Lease of requests, by a person: what is asked for, JSON. */
export const REQUEST_ANNOTATION = `${PREFIX}/request`;
/** On the Lease of requests, by a person: that failover is paused, JSON. */
export const PAUSE_ANNOTATION = `${PREFIX}/pause`;

/** Pod annotations that a person may set to steer the injection. */
export const POD_ANNOTATIONS = {
  container: `${PREFIX}/container`,
  port: `${PREFIX}/port`,
  passwordSecret: `${PREFIX}/password-secret`,
  group: `${PREFIX}/group`,
} as const;

/** Annotation of a pod that sets an option of its agent (policy.ts). */
export function policyAnnotation(flag: string): string {
  return `${PREFIX}/${flag}`;
}

export const AGENT_CONTAINER = 'redis-orchestrator';
export const AGENT_HTTP_PORT = 8080;
export const AGENT_PORT_NAME = 'ro-http';
/** Service account, Role and RoleBinding that the namespace controller makes. */
export const AGENT_SERVICE_ACCOUNT = 'redis-orchestrator';
export const AGENT_ROLE = 'redis-orchestrator-agent';
export const MANAGER = 'redis-orchestrator';

/** Name of the group's Lease. */
export function leaseName(group: string): string {
  return `redis-orchestrator-${group}`;
}

/** Name of the Lease that people write requests on; no group's own Lease can have it. */
export function requestLeaseName(group: string): string {
  return `redis-orchestrator.request.${group}`;
}

/** Whether a word may be the name of a pod, an account and most other objects (RFC 1123, subdomain). */
export function isObjectName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text);
}

/** Whether a word may be the name of a namespace (RFC 1123, label). */
export function isNamespaceName(text: string): boolean {
  return isObjectName(text) && text.length <= 63 && !text.includes('.');
}
