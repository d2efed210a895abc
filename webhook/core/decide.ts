// The decision about one pod: skip, refuse or inject. Pure: equal input gives equal output, and a
// pod that carries the agent already gives no operation.

import {
  AGENT_CONTAINER,
  INJECT_LABEL,
  POD_ANNOTATIONS,
  STATUS_ANNOTATION,
} from '../../src/names.ts';
import { findRedis, type RedisContainer, strangersBeside } from './find-container.ts';
import { makePlan } from './make-plan.ts';
import { isTooOld } from './image.ts';
import { ownedBySomebodyElse } from './ownership.ts';
import type { CoreConfig, Decision, NamespaceFacts } from './plan.ts';
import { annotationsOf, controllerOf, labelsOf, list, type Pod } from './pod.ts';
import { namesOf, type Reason, reason } from './reasons.ts';
import { hasNoPort } from './ports.ts';
import { serverOptions } from './server-options.ts';

export function decide(pod: Pod, namespace: NamespaceFacts, config: CoreConfig): Decision {
  const none = noBusiness(pod, namespace, config);
  if (none !== undefined) return { kind: 'skip', reason: none, warnings: [] };
  const label = labelsOf(pod)[INJECT_LABEL];
  const hasOptedIn = label === 'enabled';
  const isMisspelt = label !== undefined && label !== 'enabled' && label !== 'disabled';
  const warnings = isMisspelt ? [reason('label-misspelt', { value: label.slice(0, 20) })] : [];
  // A misspelt label of a pod outside of the labelled namespaces: it wanted something, so say it.
  if (isMisspelt && !namespace.isEnabled) {
    return { kind: 'skip', reason: reason('label-misspelt', { value: label }), warnings: [] };
  }
  // What the person asked for by a label on the pod itself is refused where it cannot be done.
  const cannot = (why: Reason): Decision =>
    hasOptedIn ? { kind: 'deny', reasons: [why] } : skip(why, warnings);

  const found = findRedis(pod, hasOptedIn);
  // A Redis of a Job is there for the Job: it ends with it, and nobody should wait for an agent.
  if (controllerOf(pod)?.kind === 'Job' && !hasOptedIn) {
    return skip(reason(found.kind === 'none' ? 'not-redis' : 'job-pod'), warnings);
  }
  switch (found.kind) {
    case 'wrong':
      return { kind: 'deny', reasons: [found.reason] };
    case 'several':
      return cannot(found.reason);
    case 'none': {
      const isExpected = hasOptedIn || config.selector.some(([k, v]) => labelsOf(pod)[k] === v);
      const names = seen(pod);
      const why = reason('no-redis-container', { names, annotation: POD_ANNOTATIONS.container });
      return isExpected ? cannot(why) : skip(reason('not-redis'), warnings);
    }
    case 'one': {
      const why = cannotManage(pod, found.redis, hasOptedIn);
      if (why !== undefined) return cannot(why);
      return inject(pod, found.redis, namespace, config, warnings);
    }
  }
}

/** Name and image: a wrong image or a wrong selector is seen at once. */
function seen(pod: Pod): string {
  const images = list(pod.spec?.containers).map(
    ({ name, image }) => `${name} (${(image ?? 'no image').replace(/^.*\//, '')})`,
  );
  return images.length === 0 ? 'no containers' : namesOf(images, IMAGES_LENGTH_MAX);
}

/** What is left of a warning's 120 characters. */
const IMAGES_LENGTH_MAX = 42;

function skip(why: Reason, warnings: readonly Reason[]): Decision {
  return { kind: 'skip', reason: why, warnings };
}

function noBusiness(pod: Pod, namespace: NamespaceFacts, config: CoreConfig): Reason | undefined {
  const { excludedNamespaces, ownNamespace } = config;
  if (excludedNamespaces.has(namespace.name)) {
    return reason('namespace-excluded', { namespace: namespace.name });
  }
  if (namespace.name === ownNamespace) return reason('own-pod');
  if (labelsOf(pod)[INJECT_LABEL] === 'disabled') return reason('opted-out');
  if (annotationsOf(pod)['kubernetes.io/config.mirror'] !== undefined) return reason('mirror-pod');
  // Both our annotation and our container: the container alone is a person's own work.
  if (!hasAgent(pod)) return undefined;
  const isInjected = annotationsOf(pod)[STATUS_ANNOTATION] !== undefined;
  return reason(isInjected ? 'already-injected' : 'hand-written');
}

function hasAgent(pod: Pod): boolean {
  const containers = [...list(pod.spec?.containers), ...list(pod.spec?.initContainers)];
  return containers.some((container) => container.name === AGENT_CONTAINER);
}

function cannotManage(pod: Pod, redis: RedisContainer, hasOptedIn: boolean): Reason | undefined {
  const system = pod.spec?.os?.name ?? pod.spec?.nodeSelector?.['kubernetes.io/os'];
  if (system === 'windows') return reason('windows-pod');
  if (isTooOld(redis.image)) return reason('redis-too-old', { tag: redis.image.tag.slice(0, 30) });
  const server = serverOptions(redis.container, redis.image, redis.command);
  const owner = ownedBySomebodyElse(pod, redis, server);
  if (owner !== undefined) return owner;
  const isBitnami = redis.image.family === 'bitnami';
  if (hasNoPort(pod, redis.container, server, isBitnami)) return reason('no-port');
  const strangers = hasOptedIn ? [] : strangersBeside(pod, redis);
  return strangers.length === 0 ? undefined : reason('app-pod', { names: namesOf(strangers) });
}

function notReady({ name, problem }: NamespaceFacts): Reason {
  return problem === undefined
    ? reason('namespace-not-ready', { namespace: name })
    : reason('namespace-failed', { namespace: name, problem });
}

function inject(
  pod: Pod,
  redis: RedisContainer,
  namespace: NamespaceFacts,
  config: CoreConfig,
  before: readonly Reason[],
): Decision {
  const { plan, warnings, errors } = makePlan(pod, redis, config);
  if (errors.length > 0) return { kind: 'deny', reasons: errors };
  // The agent's account must exist before the pod; the pod's controller tries again by itself.
  if (!namespace.isReady) {
    return { kind: 'deny', reasons: [notReady(namespace)] };
  }
  return { kind: 'inject', plan, warnings: [...before, ...warnings] };
}
