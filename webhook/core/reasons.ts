// Every reason for which a pod is skipped, refused or injected with less protection: one table.
// The codes are stable: they are metric labels, audit annotations and reasons of Events.
// `{…}` is filled from the reason's values, which never hold a secret.

export const REASONS = {
  // Skipped, nothing to tell anybody.
  'already-injected': 'this pod carries the agent already',
  'opted-out': 'the pod has the label redis-orchestrator.io/inject=disabled',
  'not-redis': 'no container of this pod runs Redis',
  'namespace-excluded': 'pods of namespace {namespace} are never injected',
  'not-a-pod': 'the object is no pod',
  'own-pod': 'this is a pod of Redis Orchestrator itself',
  'mirror-pod': 'a static pod of the kubelet cannot be changed',
  'job-pod': 'a pod of a Job is injected only with its own label inject=enabled',
  'not-injected': 'this pod carries no agent',
  // Skipped although it looks like Redis; refused where the pod itself opted in.
  'hand-written': 'the container redis-orchestrator is in the template already',
  'windows-pod': 'pods of Windows nodes are not supported',
  'no-redis-container': 'no container of this pod is recognised as Redis; name it by {annotation}',
  'several-redis-containers': 'several Redis containers ({names}); name one by {annotation}',
  'app-pod': 'Redis beside other containers ({names}); to inject, label the pod inject=enabled',
  'redis-too-old': 'image tag {tag} is older than Redis 6.0, which is the oldest supported',
  'owned-replication': 'replication is set by {where}: somebody else manages this Redis',
  'owned-sentinel': 'Sentinel in {where}: it would fight over the master',
  'owned-cluster': 'Redis Cluster ({where}) has its own failover',
  'owned-operator': 'the pod belongs to {where}, which manages this Redis',
  // Refused.
  'container-unknown': 'annotation {annotation} names no container: {name}',
  'annotation-invalid': 'annotation {annotation}: {value} is invalid; write {remedy}',
  'name-taken': '{kind} {name} exists with other content; rename it',
  'namespace-not-ready': 'namespace {namespace} is being prepared for injection; try again shortly',
  'namespace-failed': 'namespace {namespace} cannot be prepared ({problem}); it is tried again',
  // Injected, but this should be known.
  'label-misspelt': 'label redis-orchestrator.io/inject={value}: write enabled or disabled',
  'annotation-unknown':
    'annotation {annotation} is not known; see docs/injection.md for those that are',
  'kill-unavailable':
    'kill-frozen needs shareProcessNamespace: true in the pod; nothing is killed without it',
  'boot-fence-absent':
    'no boot fence: the start of {container} is opaque; let it exec redis-server',
  'boot-fence-hidden':
    'no boot fence: a Secret or ConfigMap may set {name}; write it as a plain env entry',
  'literal-password': 'the password is written in the arguments; put it into a Secret',
  'password-unknown': 'password variable {name} is not defined; set {annotation}',
  'config-file-hidden':
    'config file {path}: in no volume that the agent can mount; password and port in it are not seen',
  'port-guessed': 'port {port} is taken from the ports list; set {annotation} to be sure',
  'port-hidden': 'the port cannot be seen: {port} is assumed; set {annotation} to be sure',
  'port-differs': 'Redis listens on {port}, but the container declares {declared}',
  'prestop-kept': 'your preStop hook is kept: planned restarts take a failover instead',
  'token-shared': 'the pod asks for a token: its containers get the agent account, too',
  'token-removed': '{names}: no API token any more; give the pod an account of its own to keep it',
  'bind-loopback': 'bind {value}: other pods cannot replicate from this Redis',
  'acl-without-user': 'aclfile without redis-orchestrator.io/password-secret: access may fail',
  'tls-files-hidden': 'TLS file {path} is in no volume: the agent cannot read it',
  // Told by the webhook about a pod that runs already.
  uninjected:
    'pod {pod} has no agent: it was made before the label or while no webhook answered; restart it',
  // Told by the command line, which sees the manifest alone.
  'namespace-unlabelled': 'namespace {namespace} has no label redis-orchestrator.io/inject=enabled',
  // Taken back by uninject, or left, but this should be known.
  'status-unreadable':
    'annotation redis-orchestrator.io/status is damaged: what was injected is not known',
  'status-too-old':
    'injected by an older version: account, token and grace period may have been others',
  'fence-changed':
    'the boot fence of {container} was changed after the injection and is left there',
} as const;

export type ReasonCode = keyof typeof REASONS;

export type Reason = {
  readonly code: ReasonCode;
  readonly values: Readonly<Record<string, string | number>>;
};

export function reason(code: ReasonCode, values: Reason['values'] = {}): Reason {
  return { code, values };
}

/** Codes of skips that say nothing: the pod is none of our business, or all is done. */
const SILENT: ReadonlySet<ReasonCode> = new Set([
  'already-injected',
  'not-injected',
  'opted-out',
  'not-redis',
  'namespace-excluded',
  'not-a-pod',
  'own-pod',
  'mirror-pod',
  'job-pod',
]);

export function isSilent(code: ReasonCode): boolean {
  return SILENT.has(code);
}

/** The same pod may be accepted a moment later. */
export function isTransient({ code }: Reason): boolean {
  return code === 'namespace-not-ready' || code === 'namespace-failed';
}

/** The API server cuts warnings; longer ones than this are cut by ourselves. */
const TEXT_LENGTH_MAX = 120;

/** The reason as one sentence of at most 120 characters. */
export function reasonText({ code, values }: Reason): string {
  const text = REASONS[code].replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? '?'));
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX - 1)}…`;
}
