// Which container of the pod is Redis: the first rule that gives exactly one. Ordinary init
// containers are never candidates.

import { POD_ANNOTATIONS } from '../../src/names.ts';
import { type Command, imageOf, readCommand } from './command.ts';
import type { Image } from './image.ts';
import { annotationsOf, type Container, list, type Pod } from './pod.ts';
import { namesOf, type Reason, reason } from './reasons.ts';

export type RedisContainer = {
  readonly index: number;
  readonly container: Container;
  readonly image: Image;
  readonly command: Command;
};

/** What told the container. */
export type Rule = 'annotation' | 'image' | 'command' | 'port';

export type Found =
  | { readonly kind: 'one'; readonly redis: RedisContainer; readonly rule: Rule }
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly reason: Reason }
  | { readonly kind: 'wrong'; readonly reason: Reason };

const REDIS_PORT = 6379;

function describe(container: Container, index: number): RedisContainer {
  const image = imageOf(container);
  return { index, container, image, command: readCommand(container, image) };
}

/** `hasOptedIn`: the pod itself asks to be injected; then a declared port 6379 is evidence, too. */
export function findRedis(pod: Pod, hasOptedIn: boolean): Found {
  const containers = list(pod.spec?.containers).map(describe);
  const annotation = POD_ANNOTATIONS.container;
  const name = annotationsOf(pod)[annotation];
  if (name !== undefined) {
    const named = containers.find(({ container }) => container.name === name);
    return named === undefined
      ? { kind: 'wrong', reason: reason('container-unknown', { annotation, name }) }
      : { kind: 'one', redis: asServer(named), rule: 'annotation' };
  }
  const byImage = containers.filter(
    ({ image, command }) => image.family !== 'none' && command.kind !== 'no-server',
  );
  const byCommand = containers.filter(({ command }) => command.kind !== 'no-server');
  const byPort = containers.filter(
    ({ container, image }) =>
      hasOptedIn &&
      image.family === 'none' &&
      !/exporter|proxy/.test(image.name) &&
      list(container.ports).some((port) => port.containerPort === REDIS_PORT),
  );
  const rules = { image: byImage, command: byCommand, port: byPort };
  for (const rule of ['image', 'command', 'port'] as const) {
    const found = rules[rule];
    const only = found[0];
    if (found.length === 1 && only !== undefined) {
      return { kind: 'one', redis: asServer(only), rule };
    }
    if (found.length > 1) {
      const names = namesOf(found.map(({ container }) => container.name));
      return { kind: 'several', reason: reason('several-redis-containers', { names, annotation }) };
    }
  }
  return { kind: 'none' };
}

/** A person or a port named it: whatever its command is, it starts a server somehow. */
function asServer(redis: RedisContainer): RedisContainer {
  if (redis.command.kind !== 'no-server') return redis;
  const server = { endsInStandardInput: false, options: new Map<string, string[]>() };
  return { ...redis, command: { kind: 'opaque', server } };
}

/** Exporters, log shippers and mesh proxies live beside Redis; anything else is an application. */
const COMPANION =
  /exporter|metric|fluent|filebeat|promtail|vector|logrotate|logger|envoy|istio|linkerd|kuma|consul|mesh|proxy|stunnel|backup|sidecar|reloader|otel|datadog|telegraf/;

/** Names of the containers that make this an application's pod. */
export function strangersBeside(pod: Pod, redis: RedisContainer): readonly string[] {
  return list(pod.spec?.containers)
    .filter((container, index) => {
      if (index === redis.index) return false;
      const { name } = imageOf(container);
      return !COMPANION.test(name) && !COMPANION.test(container.name);
    })
    .map((container) => container.name);
}
