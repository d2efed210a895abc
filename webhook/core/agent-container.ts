// The container `redis-orchestrator`, complete: environment (agent/options.ts is the contract),
// ports, probes, resources, the `restricted` security fields, its own token.

import { AGENT_CONTAINER, AGENT_HTTP_PORT, AGENT_PORT_NAME, GROUP_LABEL } from '../../src/names.ts';
import type { Policy } from './annotations.ts';
import type { BootFence } from './boot-fence.ts';
import type { Facts } from './facts.ts';
import { DOWNWARD_FIELDS } from './downward.ts';
import type { Password } from './password.ts';
import type { AgentResources } from './pod-resources.ts';
import type { CoreConfig } from './plan.ts';
import { type Container, type EnvVar, list, type Pod, uidOf, type VolumeMount } from './pod.ts';
import { TOKEN_MOUNT } from './service-account.ts';

const DEFAULT_UID = 65_532;
const DEFAULT_GRACE_SECONDS = 30;

export type AgentParts = {
  readonly pod: Pod;
  readonly redis: Container;
  readonly facts: Facts;
  readonly password: Password;
  readonly policy: Policy;
  readonly bootFence: BootFence;
  readonly group: string;
  readonly mounts: readonly VolumeMount[];
  /** What the paths of the mounts refer to. */
  readonly mountEnv: readonly EnvVar[];
  readonly httpPort: number;
  readonly resources: AgentResources['resources'];
  readonly graceSeconds: number | undefined;
  readonly config: CoreConfig;
};

/** The usual port, or the next one that no container of the pod declares. */
export function freeHttpPort(pod: Pod, redisPort: number): number {
  const containers = [...list(pod.spec?.containers), ...list(pod.spec?.initContainers)];
  const taken = new Set(
    containers.flatMap((container) => list(container.ports).map((port) => port.containerPort)),
  );
  taken.add(redisPort);
  let port = AGENT_HTTP_PORT;
  while (taken.has(port)) port++;
  return port;
}

export function agentContainer(parts: AgentParts): Container {
  const { config, httpPort, mounts, resources } = parts;
  const live = { httpGet: { path: '/live', port: httpPort, scheme: 'HTTP' }, timeoutSeconds: 5 };
  return {
    name: AGENT_CONTAINER,
    image: config.agentImage,
    imagePullPolicy: config.imagePullPolicy,
    ...(config.nativeSidecar ? { restartPolicy: 'Always' } : {}),
    env: agentEnv(parts),
    ...(parts.password.envFrom.length === 0 ? {} : { envFrom: [...parts.password.envFrom] }),
    ports: [{ name: AGENT_PORT_NAME, containerPort: httpPort, protocol: 'TCP' }],
    // Not ready: a replica that is not in sync with its master yet, so that a rolling restart
    // waits for it. It does not depend on the role: without a master everybody is ready.
    readinessProbe: {
      httpGet: { ...live.httpGet, path: '/ready' },
      timeoutSeconds: 5,
      periodSeconds: 1,
      failureThreshold: 3,
    },
    // Neither looks at Redis: it may start later, and a restart of the agent would not help it.
    startupProbe: { ...live, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...live, periodSeconds: 10, failureThreshold: 3 },
    resources: { ...resources },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: agentUid(parts),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [...mounts, TOKEN_MOUNT],
  };
}

/** Files that Redis alone may read need its uid, and so does a signal to it; otherwise the image's own is the better wall. */
function agentUid({ pod, redis, mounts, policy }: AgentParts): number {
  const uid = uidOf(pod, redis);
  return (mounts.length > 0 || policy.killsFrozen) && uid !== undefined && uid > 0
    ? uid
    : DEFAULT_UID;
}

/** The first of a name is the one. */
function isNew(names: Set<string>, name: string): boolean {
  if (names.has(name)) return false;
  names.add(name);
  return true;
}

function atMost(value: string | undefined, max: number): string | undefined {
  return value === undefined ? undefined : String(Math.min(Number(value), max));
}

function field(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
}

/** What the agent takes at most (agent/options.ts): beyond it, it would end at its start, and Redis never begin. */
const GRACE_SECONDS_MAX = 3600;
const MIN_REPLICAS_MAX = 1000;

function agentEnv(parts: AgentParts): EnvVar[] {
  const { facts, password, group, pod, httpPort, bootFence } = parts;
  const grace =
    parts.graceSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const tls = facts.tls;
  const optional = (name: string, value: string | undefined): EnvVar[] =>
    value === undefined ? [] : [{ name, value }];
  const own: EnvVar[] = [
    ...Object.entries(DOWNWARD_FIELDS).map(([name, path]) => field(name, path)),
    { name: 'RO_GROUP', value: group },
    { name: 'RO_LABEL_SELECTOR', value: `${GROUP_LABEL}=${group}` },
    { name: 'RO_REDIS_PORT', value: String(facts.port) },
    { name: 'RO_HTTP_PORT', value: String(httpPort) },
    { name: 'RO_BOOT_FENCE', value: String(bootFence.kind !== 'none') },
    { name: 'RO_SHUTDOWN_GRACE', value: `${Math.min(Math.max(1, grace), GRACE_SECONDS_MAX)}s` },
    ...optional('RO_MIN_REPLICAS_TO_WRITE', atMost(facts.minReplicasToWrite, MIN_REPLICAS_MAX)),
    ...parts.policy.env,
    ...optional('RO_REDIS_HOST', facts.host),
    ...optional('RO_REDIS_CONFIG_FILE', facts.configFile),
    ...optional('RO_REDIS_PASSWORD_FILE', password.file),
    ...optional('RO_REDIS_TLS', tls === undefined ? undefined : 'true'),
    ...optional('RO_REDIS_TLS_CA', tls?.caFile),
    ...optional('RO_REDIS_TLS_CERT', tls?.wantsClientCert === true ? tls.certFile : undefined),
    ...optional('RO_REDIS_TLS_KEY', tls?.wantsClientCert === true ? tls.keyFile : undefined),
  ];
  // Copies of the person's variables come after ours and never replace them.
  const names = new Set(own.map((entry) => entry.name));
  return [...own, ...[...password.env, ...parts.mountEnv].filter(({ name }) => isNew(names, name))];
}
