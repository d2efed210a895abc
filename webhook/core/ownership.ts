// Signs that somebody else manages this Redis: then we must not fight over the master. What cannot
// be seen in the pod (a ConfigMap's `cluster-enabled`) the agent finds at run time.

import type { RedisContainer } from './find-container.ts';
import { literalEnv } from './environment.ts';
import { readImage } from './image.ts';
import { type Container, controllerOf, labelsOf, list, type Pod, textOf } from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import { optionValue, type ServerOptions } from './server-arguments.ts';

/** The address of our fence: a `replicaof` with it is our own, or written by hand after us. */
export const FENCE_HOST = '127.0.0.1';

const OPERATOR_KIND = /^(Redis|Valkey|KeyDB|Dragonfly|PetSet$)/i;
const OPERATOR_GROUP = /redis|valkey|keydb|dragonfly|kubedb|kubeblocks|(^|\.)appscode\.com$/i;
const OPERATOR_LABEL = /^(redis_setup_type|redisfailovers|redis-failover|.*redis-?operator)/i;
/** Operators whose pods belong to a StatefulSet like any others. */
const MANAGER = /(redis|valkey|keydb|dragonfly)[-\w]*operator|kubedb|kubeblocks/i;

export function ownedBySomebodyElse(
  pod: Pod,
  redis: RedisContainer,
  server: ServerOptions,
): Reason | undefined {
  return (
    byOperator(pod) ??
    bySentinel(pod, server) ??
    byCluster(pod, redis, server) ??
    byReplication(pod, redis, server)
  );
}

function byOperator(pod: Pod): Reason | undefined {
  const owner = controllerOf(pod);
  const isOperator =
    OPERATOR_KIND.test(owner?.kind ?? '') ||
    OPERATOR_GROUP.test(owner?.apiVersion?.split('/')[0] ?? '');
  if (isOperator) return reason('owned-operator', { where: `${owner?.kind} ${owner?.name}` });
  const label = Object.entries(labelsOf(pod)).find(
    ([key, value]) =>
      OPERATOR_LABEL.test(key) || (key === 'app.kubernetes.io/managed-by' && MANAGER.test(value)),
  );
  return label === undefined ? undefined : reason('owned-operator', { where: `label ${label[0]}` });
}

function everyContainer(pod: Pod): readonly Container[] {
  return [...list(pod.spec?.initContainers), ...list(pod.spec?.containers)];
}

function bySentinel(pod: Pod, server: ServerOptions): Reason | undefined {
  const isSentinelText = (text: string): boolean =>
    /(redis|valkey)-sentinel|--sentinel\b|\bsentinel\s+(monitor|get-master-addr)/i.test(text);
  const found = everyContainer(pod).find(
    (container) =>
      readImage(container.image).isSentinel ||
      /sentinel/.test(container.name) ||
      isSentinelText(textOf(container)) ||
      isOn(literalEnv(container, 'REDIS_SENTINEL_ENABLED')),
  );
  if (found !== undefined) {
    return reason('owned-sentinel', { where: `container ${found.name}` });
  }
  return server.options.has('sentinel') ? reason('owned-sentinel', { where: 'args' }) : undefined;
}

/** As Bitnami's scripts read a boolean; a word that they do not know is told rather than ignored. */
function isOn(text: string | undefined): boolean {
  return text !== undefined && !/^(no|false|0|off)$/i.test(text);
}

function byCluster(pod: Pod, redis: RedisContainer, server: ServerOptions): Reason | undefined {
  const cluster = (where: string): Reason => reason('owned-cluster', { where });
  const option = [...server.options.keys()].find((name) => name.startsWith('cluster-'));
  const isOff = optionValue(server, 'cluster-enabled') === 'no';
  if (option !== undefined && !isOff) return cluster(`--${option}`);
  if (redis.image.isCluster) return cluster(`image ${redis.image.name}`);
  const ports = list(redis.container.ports);
  const numbers = new Set(ports.map(({ containerPort }) => containerPort));
  const bus = ports.find(
    ({ name, containerPort }) =>
      /gossip|bus$/.test(name ?? '') || numbers.has(containerPort - 10_000),
  );
  if (bus !== undefined) return cluster(`port ${bus.containerPort}`);
  const texts = everyContainer(pod).find((container) =>
    /cluster-enabled["'\s]+yes|--cluster\b|cluster-announce|cluster-config-file/.test(
      textOf(container),
    ),
  );
  if (texts !== undefined) return cluster(`container ${texts.name}`);
  const isNodes = literalEnv(redis.container, 'REDIS_NODES', 'VALKEY_NODES') !== undefined;
  return isNodes && redis.image.family === 'bitnami' ? cluster('REDIS_NODES') : undefined;
}

function byReplication(pod: Pod, redis: RedisContainer, server: ServerOptions): Reason | undefined {
  const replication = (where: string): Reason => reason('owned-replication', { where });
  for (const name of ['replicaof', 'slaveof']) {
    const words = server.options.get(name);
    const isNobody = words?.[0] === FENCE_HOST || words?.[0] === 'no';
    if (words !== undefined && !isNobody) return replication(`--${name}`);
  }
  // KeyDB: its replicas take writes whatever replica-read-only says, so that nothing could fence them.
  for (const name of ['active-replica', 'multi-master']) {
    if (server.options.get(name)?.[0] === 'yes') return replication(`--${name}`);
  }
  const strange = everyContainer(pod).find((container) => {
    // Our own fence and its hand-written form are no sign.
    const text = textOf(container).replace(
      /(replicaof|slaveof)\s+(127\.0\.0\.1\s+1|no\s+one)\b/gi,
      '',
    );
    return /(^|[^\w-])(--)?(replicaof|slaveof)\s+\S/im.test(text);
  });
  if (strange !== undefined) return replication(`container ${strange.name}`);
  if (redis.image.family !== 'bitnami') return undefined;
  const mode = literalEnv(redis.container, 'REDIS_REPLICATION_MODE', 'VALKEY_REPLICATION_MODE');
  const name = `${redis.image.product === 'valkey' ? 'VALKEY' : 'REDIS'}_REPLICATION_MODE`;
  return mode === undefined ? undefined : replication(`${name}=${mode}`);
}
