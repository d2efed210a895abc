// The Pod objects that the stand-in kubelet writes: what a StatefulSet and the webhook would have
// made, and the status that a kubelet reports.

import type { V1Pod } from '@kubernetes/client-node';
import {
  AGENT_CONTAINER,
  AGENT_HTTP_PORT,
  AGENT_PORT_NAME,
  AGENT_SERVICE_ACCOUNT,
  GROUP_LABEL,
} from '../../src/names.ts';
import type { ContainerState } from './container.ts';
import { REDIS_PORT } from './free-ports.ts';

const IMAGES = { redis: 'redis:test', agent: 'redis-orchestrator-agent:test' } as const;

export type PodShape = {
  readonly name: string;
  readonly group: string;
  readonly claim: string | undefined;
  /** False: a pod from before the injection. */
  readonly managed: boolean;
  readonly preStop: boolean;
  readonly nativeSidecar: boolean;
  readonly graceSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The StatefulSet that owns the pod. */
  readonly owner: { readonly name: string; readonly uid: string };
};

export function podObject(shape: PodShape): object {
  const redis = {
    name: 'redis',
    image: IMAGES.redis,
    ports: [{ name: 'redis', containerPort: REDIS_PORT }],
    ...(shape.claim === undefined ? {} : { volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
    ...(shape.managed && shape.preStop
      ? { lifecycle: { preStop: { httpGet: { path: '/prestop', port: AGENT_HTTP_PORT } } } }
      : {}),
  };
  const agent = {
    name: AGENT_CONTAINER,
    image: IMAGES.agent,
    ports: [{ name: AGENT_PORT_NAME, containerPort: AGENT_HTTP_PORT }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: shape.name,
      labels: {
        app: 'redis',
        ...(shape.managed ? { [GROUP_LABEL]: shape.group } : {}),
        ...shape.labels,
      },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'StatefulSet', controller: true, ...shape.owner },
      ],
    },
    spec: {
      // A pod without a node is deleted at once, without any grace.
      nodeName: 'stand-in',
      ...(shape.managed ? { serviceAccountName: AGENT_SERVICE_ACCOUNT } : {}),
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: shape.graceSeconds,
      ...(shape.managed && shape.nativeSidecar
        ? { initContainers: [{ ...agent, restartPolicy: 'Always' }] }
        : {}),
      containers: [redis, ...(shape.managed && !shape.nativeSidecar ? [agent] : [])],
      ...(shape.claim === undefined
        ? {}
        : { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: shape.claim } }] }),
    },
  };
}

function containerStatus(state: ContainerState, image: string): object {
  return {
    name: state.name,
    image,
    imageID: image,
    containerID: `stand-in://${state.name}-${state.restarts}`,
    ready: state.running,
    started: state.running,
    restartCount: state.restarts,
    state: state.running
      ? { running: { startedAt: state.startedAt } }
      : { waiting: { reason: 'CrashLoopBackOff' } },
  };
}

export type PodFacts = {
  readonly ip: string;
  readonly startedAt: string;
  readonly nativeSidecar: boolean;
  readonly redis: ContainerState;
  readonly agent: ContainerState | undefined;
  readonly isDisrupted?: boolean;
};

export function podStatus(facts: PodFacts): object {
  const agent = facts.agent === undefined ? [] : [containerStatus(facts.agent, IMAGES.agent)];
  const isReady = facts.redis.running && facts.agent?.running !== false;
  const condition = (type: string, isTrue: boolean): object => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastTransitionTime: facts.startedAt,
  });
  return {
    phase: 'Running',
    podIP: facts.ip,
    podIPs: [{ ip: facts.ip }],
    hostIP: '127.0.0.1',
    startTime: facts.startedAt,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', isReady),
      condition('Ready', isReady),
      ...(facts.isDisrupted === true ? [condition('DisruptionTarget', true)] : []),
    ],
    containerStatuses: [
      containerStatus(facts.redis, IMAGES.redis),
      ...(facts.nativeSidecar ? [] : agent),
    ],
    ...(facts.nativeSidecar ? { initContainerStatuses: agent } : {}),
  };
}

/** As the EndpointSlice controller sees it: would a Service send a new client here? */
export function isServing(pod: V1Pod): boolean {
  const ready = pod.status?.conditions?.find((each) => each.type === 'Ready');
  return ready?.status === 'True' && pod.metadata?.deletionTimestamp === undefined;
}

/** The owner of the pods. No controller looks at it: the test makes and removes the pods. */
export function statefulSetObject(group: string): object {
  const labels = { app: 'redis' };
  const container = { name: 'redis', image: IMAGES.redis };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: group },
    spec: {
      serviceName: `${group}-headless`,
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}
