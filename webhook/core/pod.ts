// The parts of a Pod that the injection reads. Everything is optional, as in JSON from a stranger:
// a list that is absent, null or no list at all reads as empty.

export type EnvVar = {
  name: string;
  value?: string;
  valueFrom?: Record<string, unknown>;
};

export type EnvFromSource = {
  prefix?: string;
  secretRef?: { name?: string; optional?: boolean };
  configMapRef?: { name?: string; optional?: boolean };
};

export type VolumeMount = {
  name: string;
  mountPath: string;
  subPath?: string;
  subPathExpr?: string;
  readOnly?: boolean;
};

type ContainerPort = { name?: string; containerPort: number; protocol?: string };

export type Container = {
  name: string;
  image?: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: EnvFromSource[];
  ports?: ContainerPort[];
  volumeMounts?: VolumeMount[];
  lifecycle?: { preStop?: Record<string, unknown>; postStart?: Record<string, unknown> };
  restartPolicy?: string;
  resources?: Record<string, unknown>;
  securityContext?: Record<string, unknown>;
  startupProbe?: Record<string, unknown>;
  livenessProbe?: Record<string, unknown>;
  readinessProbe?: Record<string, unknown>;
  terminationMessagePolicy?: string;
};

export type Volume = {
  name: string;
  secret?: { secretName?: string; defaultMode?: number; items?: unknown; optional?: boolean };
  projected?: { sources?: unknown[]; defaultMode?: number };
  [source: string]: unknown;
};

export type OwnerReference = {
  apiVersion?: string;
  kind?: string;
  name?: string;
  uid?: string;
  controller?: boolean;
};

export type Pod = {
  /** Of a template, offline: what makes pods of it. Pods have a reference to it. */
  owner?: OwnerReference;
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: OwnerReference[];
  };
  spec?: {
    containers?: Container[];
    initContainers?: Container[];
    volumes?: Volume[];
    serviceAccountName?: string;
    /** The older name of the same; the newer one wins. */
    serviceAccount?: string;
    automountServiceAccountToken?: boolean;
    terminationGracePeriodSeconds?: number;
    shareProcessNamespace?: boolean;
    hostNetwork?: boolean;
    /** Of the whole pod, where the server knows that. */
    resources?: Record<string, unknown>;
    nodeSelector?: Record<string, string>;
    os?: { name?: string };
    securityContext?: { runAsUser?: number; fsGroup?: number; runAsNonRoot?: boolean };
  };
};

/** On a pod: the container that `kubectl logs` and `kubectl exec` mean without being told. */
export const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container';

/** A list that may be absent. */
export function list<T>(value: readonly T[] | null | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}

export function labelsOf(pod: Pod): Readonly<Record<string, string>> {
  return pod.metadata?.labels ?? {};
}

export function annotationsOf(pod: Pod): Readonly<Record<string, string>> {
  return pod.metadata?.annotations ?? {};
}

/** The owner that creates this pod, if any. */
export function controllerOf(pod: Pod): OwnerReference | undefined {
  if (pod.owner !== undefined) return pod.owner;
  const owners = list(pod.metadata?.ownerReferences);
  return owners.find((owner) => owner.controller === true) ?? owners[0];
}

/** All words that a container would run, also right after its start, as one text. */
export function textOf({ command, args, lifecycle }: Container): string {
  const hook = lifecycle?.postStart?.['exec'] as { command?: string[] } | null | undefined;
  return [...list(command), ...list(args), ...list(hook?.command)].join('\n');
}

/** Last definition of a variable: in Kubernetes the last one of a name wins. */
export function envOf(container: Container, name: string): EnvVar | undefined {
  return list(container.env).findLast((entry) => entry.name === name);
}

/** The uid that a container runs with, where the pod says so. */
export function uidOf(pod: Pod, container: Container): number | undefined {
  const own = container.securityContext?.['runAsUser'];
  return typeof own === 'number' ? own : pod.spec?.securityContext?.runAsUser;
}
