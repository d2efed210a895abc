// Every reason for which a pod is skipped, refused or injected with less protection: the one table that
// warnings, Events, audit annotations, metrics, `explain`, `check` and docs/reasons.md are made from.
// The codes are stable. `{…}` is filled from the reason's values, which never hold a secret.

import { INJECT_LABEL } from '../../src/names.ts';

/** What becomes of the pod. */
export const OUTCOMES = {
  silent: 'skipped, nothing to tell anybody',
  skip: 'skipped although it looks like Redis',
  'skip-or-deny': 'skipped although it looks like Redis; refused where the pod itself opted in',
  deny: 'refused',
  weaker: 'injected, but this should be known',
  running: 'told about a pod that runs already',
  offline: 'told by the command line, which sees the manifest alone',
  uninject: 'told by uninject',
} as const;

type Entry = {
  readonly outcome: keyof typeof OUTCOMES;
  /** At most 120 characters with usual values: it is an admission warning. */
  readonly text: string;
  /** What a person does about it, in a few words; docs/reasons.md tells it at length. */
  readonly remedy: string;
};

export const REASONS = {
  'already-injected': {
    outcome: 'silent',
    text: 'this pod carries the agent already',
    remedy: 'nothing is to be done',
  },
  'opted-out': {
    outcome: 'silent',
    text: `the pod has the label ${INJECT_LABEL}=disabled`,
    remedy: 'take the label out of the pod template to have the agent injected',
  },
  'not-redis': {
    outcome: 'silent',
    text: 'no container of this pod runs Redis',
    remedy: 'if one does, name it by the annotation redis-orchestrator.io/container',
  },
  'namespace-excluded': {
    outcome: 'silent',
    text: 'pods of namespace {namespace} are never injected',
    remedy: 'run Redis in a namespace of its own, or change --excluded-namespaces of the webhook',
  },
  'own-pod': {
    outcome: 'silent',
    text: 'pods of the namespace of Redis Orchestrator itself are never injected',
    remedy: 'run Redis in another namespace',
  },
  'mirror-pod': {
    outcome: 'silent',
    text: 'a static pod of the kubelet cannot be changed',
    remedy: 'run Redis as a StatefulSet',
  },
  'job-pod': {
    outcome: 'skip',
    text: 'a pod of a Job is injected only with its own label inject=enabled',
    remedy: `if it is a member of a group, label the pod template ${INJECT_LABEL}=enabled`,
  },
  'not-injected': {
    outcome: 'uninject',
    text: 'this pod carries no agent',
    remedy: 'nothing is to be done',
  },
  'hand-written': {
    outcome: 'skip',
    text: 'the container redis-orchestrator is in the template already',
    remedy: 'take the container out and let the webhook add it, or care for it by hand',
  },
  'windows-pod': {
    outcome: 'skip-or-deny',
    text: 'pods of Windows nodes are not supported',
    remedy: 'run Redis on Linux nodes',
  },
  'no-redis-container': {
    outcome: 'skip-or-deny',
    text: 'none of {names} is recognised as Redis; name it by {annotation}',
    remedy:
      'name the container by the annotation redis-orchestrator.io/container; where none is Redis, its label is not right, or --selector of the webhook',
  },
  'several-redis-containers': {
    outcome: 'skip-or-deny',
    text: 'several Redis containers ({names}); name one by {annotation}',
    remedy: 'name the one by the annotation redis-orchestrator.io/container',
  },
  'app-pod': {
    outcome: 'skip-or-deny',
    text: 'Redis beside other containers ({names}); to inject, label the pod inject=enabled',
    remedy: `run Redis in pods of its own, or label the pod template ${INJECT_LABEL}=enabled`,
  },
  'redis-too-old': {
    outcome: 'skip-or-deny',
    text: 'image tag {tag} is older than Redis 6.0, which is the oldest supported',
    remedy: 'use an image of Redis 6.0 or newer',
  },
  'owned-replication': {
    outcome: 'skip-or-deny',
    text: 'replication is set by {where}: somebody else manages this Redis',
    remedy: 'take the replication setting out: the agents set it',
  },
  'owned-sentinel': {
    outcome: 'skip-or-deny',
    text: 'Sentinel in {where}: it would fight over the master',
    remedy: 'take Sentinel out; the agents do its work',
  },
  'owned-cluster': {
    outcome: 'skip-or-deny',
    text: 'Redis Cluster ({where}) has its own failover',
    remedy: 'leave it as it is, or run Redis without cluster mode',
  },
  'owned-operator': {
    outcome: 'skip-or-deny',
    text: 'the pod belongs to {where}, which manages this Redis',
    remedy: 'leave it to its operator, or make a StatefulSet that belongs to nobody',
  },
  'no-port': {
    outcome: 'skip-or-deny',
    text: 'port 0: Redis has a unix socket alone, by which no replica can reach it',
    remedy: 'take --port 0 out, or set --tls-port',
  },
  'container-unknown': {
    outcome: 'deny',
    text: 'annotation {annotation} names no container: {name}',
    remedy: 'name one of the containers in the annotation, or take it out',
  },
  'annotation-invalid': {
    outcome: 'deny',
    text: 'annotation {annotation}: {value} is invalid; write {remedy}',
    remedy: 'correct the value of the annotation in the pod template',
  },
  'group-invalid': {
    outcome: 'deny',
    text: '{where} is {value}: no group; write a-z, 0-9, - and .',
    remedy: 'write at most 63 lower-case letters, digits, - and ., as in the name of an object',
  },
  'name-taken': {
    outcome: 'deny',
    text: '{kind} {name} exists with other content; rename it',
    remedy: 'give the volume of the pod template another name',
  },
  'namespace-not-ready': {
    outcome: 'deny',
    text: 'namespace {namespace} is being prepared for injection; try again shortly',
    remedy: 'wait: a controller tries again by itself; a pod of your own you create again',
  },
  'namespace-failed': {
    outcome: 'deny',
    text: 'namespace {namespace} cannot be prepared ({problem}); it is tried again',
    remedy: 'remove what the message names; a controller tries again by itself',
  },
  'label-misspelt': {
    outcome: 'weaker',
    text: `label ${INJECT_LABEL}={value}: write enabled or disabled`,
    remedy: `write ${INJECT_LABEL}=enabled or disabled`,
  },
  'label-unknown': {
    outcome: 'weaker',
    text: 'label {label} is not known and does nothing',
    remedy: `correct its name (${INJECT_LABEL}), or take it out`,
  },
  'annotation-unknown': {
    outcome: 'weaker',
    text: 'annotation {annotation} is not known; see docs/injection.md for those that are',
    remedy: 'correct its name: it does nothing as it is',
  },
  'kill-unavailable': {
    outcome: 'weaker',
    text: 'kill-frozen needs shareProcessNamespace: true in the pod; nothing is killed without it',
    remedy: 'set shareProcessNamespace: true in the pod template, or take kill-frozen out',
  },
  'boot-fence-absent': {
    outcome: 'weaker',
    text: 'no boot fence: the start of {container} is opaque; let it exec redis-server',
    remedy: 'start redis-server by command and args, or as the last command of sh -c',
  },
  'boot-fence-hidden': {
    outcome: 'weaker',
    text: 'no boot fence: a Secret or ConfigMap may set {name}; write it as a plain env entry',
    remedy: 'write the variable as a plain entry of env',
  },
  'flags-hidden': {
    outcome: 'weaker',
    text: '{name}: options in it come from a Secret or ConfigMap and are not seen',
    remedy: 'write the options as a plain entry of env, and $(VARIABLE) for the password alone',
  },
  'literal-password': {
    outcome: 'weaker',
    text: 'the password is written in the arguments; put it into a Secret',
    remedy: 'put the password into a Secret, and $(VARIABLE) into the arguments',
  },
  'password-unknown': {
    outcome: 'weaker',
    text: 'password variable {name} is not defined; set {annotation}',
    remedy: 'define the variable in env, or name the Secret by the annotation',
  },
  'password-opaque': {
    outcome: 'weaker',
    text: 'the start script makes up the password, which is not seen; set {annotation}',
    remedy: 'name the Secret by the annotation, or write the variable alone',
  },
  'config-file-hidden': {
    outcome: 'weaker',
    text: 'config file {path}: in no volume that the agent can mount; password and port in it are not seen',
    remedy: 'mount the file from a ConfigMap or Secret',
  },
  'include-unread': {
    outcome: 'weaker',
    text: 'include {path}: the agent does not read it; password and port in it are not seen',
    remedy: 'name the Secret and the port by annotations, or include the file from the config file',
  },
  'port-guessed': {
    outcome: 'weaker',
    text: 'port {port} is taken from the ports list; set {annotation} to be sure',
    remedy: 'set the annotation redis-orchestrator.io/port, or --port in the arguments',
  },
  'port-hidden': {
    outcome: 'weaker',
    text: 'the port cannot be seen: {port} is assumed; set {annotation} to be sure',
    remedy: 'set the annotation redis-orchestrator.io/port',
  },
  'port-differs': {
    outcome: 'weaker',
    text: 'Redis listens on {port}, but the container declares {declared}',
    remedy: 'correct containerPort, or set the annotation redis-orchestrator.io/port',
  },
  'prestop-kept': {
    outcome: 'weaker',
    text: 'your preStop hook is kept: planned restarts take a failover instead',
    remedy: 'let your hook call the agent (GET /prestop), or remove it',
  },
  'qos-lowered': {
    outcome: 'weaker',
    text: 'the pod is no longer of QoS class Guaranteed: the agent may use more than it asks for',
    remedy: 'give the agent requests like its limits (--agent-cpu-request … of the webhook)',
  },
  'resources-shared': {
    outcome: 'weaker',
    text: 'spec.resources of the pod leave no {names} for the agent: it shares what Redis has',
    remedy: 'raise spec.resources of the pod by what the agent asks for (25m CPU, 96Mi)',
  },
  'host-network': {
    outcome: 'weaker',
    text: 'hostNetwork: the agent takes port {port} of the node; such pods need a node each',
    remedy: 'leave hostNetwork out, or keep the pods apart (podAntiAffinity)',
  },
  'token-shared': {
    outcome: 'weaker',
    text: 'the pod asks for a token: its containers get the agent account, too',
    remedy: 'take automountServiceAccountToken: true out, if nothing needs a token',
  },
  'token-removed': {
    outcome: 'weaker',
    text: '{names}: no API token any more; give the pod an account of its own to keep it',
    remedy: 'set serviceAccountName in the pod template, where a container needs a token',
  },
  'bind-loopback': {
    outcome: 'weaker',
    text: 'bind {value}: other pods cannot replicate from this Redis',
    remedy: 'bind an address of the pod, or take bind out',
  },
  'bind-unknown': {
    outcome: 'weaker',
    text: 'bind {value}: by which address the agent reaches Redis cannot be seen',
    remedy: 'bind 127.0.0.1, too, or write the address as $(VARIABLE) of status.podIP',
  },
  'acl-without-user': {
    outcome: 'weaker',
    text: '{where} without redis-orchestrator.io/password-secret and redis-user: access may fail',
    remedy: 'set redis-orchestrator.io/redis-user and password-secret',
  },
  'tls-files-hidden': {
    outcome: 'weaker',
    text: 'TLS file {path} is in no volume: the agent cannot read it',
    remedy: 'mount the file from a Secret',
  },
  'tls-option-unknown': {
    outcome: 'weaker',
    text: '{option}: the agent cannot use it, and its TLS to Redis fails without it',
    remedy: 'set --tls-ca-cert-file, and use a key without a passphrase',
  },
  uninjected: {
    outcome: 'running',
    text: 'pod {pod} has no agent: it was made before the label or while no webhook answered; restart it',
    remedy: 'restart it: kubectl rollout restart statefulset NAME',
  },
  'namespace-unlabelled': {
    outcome: 'offline',
    text: `namespace {namespace} has no label ${INJECT_LABEL}=enabled`,
    remedy: `label the Namespace ${INJECT_LABEL}=enabled`,
  },
  'status-unreadable': {
    outcome: 'uninject',
    text: 'annotation redis-orchestrator.io/status is damaged: what was injected is not known',
    remedy: 'take the agent out by hand, or create the pod again from its template',
  },
  'status-too-old': {
    outcome: 'uninject',
    text: 'injected by an older version: account, token and grace period may have been others',
    remedy: 'compare these three with the template that you have',
  },
  'fence-changed': {
    outcome: 'uninject',
    text: 'the boot fence of {container} was changed after the injection and is left there',
    remedy: 'take --replicaof and --replica-read-only out of the arguments by hand',
  },
} as const satisfies Record<string, Entry>;
