// The plan as a JSON Patch: single keys and single list items, never whole maps; lists and maps
// that may be absent are created first; items are removed from the end, so that indices stay true.

import { GROUP_LABEL, STATUS_ANNOTATION } from '../../src/names.ts';
import { FENCE_WORDS } from './boot-fence.ts';
import type { Plan } from './plan.ts';
import {
  annotationsOf,
  type Container,
  DEFAULT_CONTAINER_ANNOTATION,
  labelsOf,
  list,
  type Pod,
} from './pod.ts';
import { automaticTokenVolumes, isAutomaticTokenMount } from './service-account.ts';
import { appendToShell } from './shell.ts';

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function toPatch(pod: Pod, plan: Plan): PatchOperation[] {
  return [
    ...metadataOperations(pod, plan),
    ...redisOperations(pod, plan),
    ...tokenOperations(pod, plan),
    ...appendAll('/spec/volumes', pod.spec?.volumes, plan.volumes),
    ...specOperations(pod, plan),
    ...(plan.native
      ? appendAll('/spec/initContainers', pod.spec?.initContainers, [plan.agent])
      : appendAll('/spec/containers', pod.spec?.containers, [plan.agent])),
  ];
}

/** Appends to a list that may be absent. */
function appendAll(
  path: string,
  existing: readonly unknown[] | null | undefined,
  values: readonly unknown[],
): PatchOperation[] {
  if (values.length === 0) return [];
  const create: PatchOperation[] = Array.isArray(existing) ? [] : [{ op: 'add', path, value: [] }];
  const add = values.map((value) => ({ op: 'add' as const, path: `${path}/-`, value }));
  return [...create, ...add];
}

/** Sets keys of a map that may be absent; equal ones are left alone. */
function setKeys(
  path: string,
  existing: Readonly<Record<string, string>> | null | undefined,
  values: Readonly<Record<string, string>>,
): PatchOperation[] {
  const changed = Object.entries(values).filter(([key, value]) => existing?.[key] !== value);
  if (changed.length === 0) return [];
  const hasMap = typeof existing === 'object' && existing !== null;
  const create: PatchOperation[] = hasMap ? [] : [{ op: 'add', path, value: {} }];
  return [
    ...create,
    // `add` on a key that exists replaces it, which is what both cases need.
    ...changed.map(([key, value]) => ({
      op: 'add' as const,
      path: `${path}/${escapePointer(key)}`,
      value,
    })),
  ];
}

function metadataOperations(pod: Pod, plan: Plan): PatchOperation[] {
  const create: PatchOperation[] =
    (pod.metadata ?? undefined) === undefined ? [{ op: 'add', path: '/metadata', value: {} }] : [];
  const annotations = annotationsOf(pod);
  return [
    ...create,
    ...setKeys('/metadata/labels', pod.metadata?.labels, {
      [GROUP_LABEL]: labelsOf(pod)[GROUP_LABEL] ?? plan.group,
    }),
    ...setKeys('/metadata/annotations', pod.metadata?.annotations, {
      [STATUS_ANNOTATION]: plan.status,
      [DEFAULT_CONTAINER_ANNOTATION]:
        annotations[DEFAULT_CONTAINER_ANNOTATION] ?? plan.containerName,
    }),
  ];
}

function redisOperations(pod: Pod, plan: Plan): PatchOperation[] {
  const container = list(pod.spec?.containers)[plan.containerIndex];
  if (container === undefined) return [];
  const path = `/spec/containers/${plan.containerIndex}`;
  return [...fenceOperations(path, container, plan), ...preStopOperations(path, container, plan)];
}

function fenceOperations(path: string, container: Container, plan: Plan): PatchOperation[] {
  const fence = plan.bootFence;
  switch (fence.kind) {
    case 'arguments':
      return argumentOperations(path, container, fence.words);
    case 'arguments-and-variable':
      return [
        ...argumentOperations(path, container, fence.words),
        ...variableOperations(path, container, fence),
      ];
    case 'shell': {
      const text = container[fence.field]?.[fence.index] ?? '';
      const value = appendToShell(text, FENCE_WORDS);
      return [{ op: 'replace', path: `${path}/${fence.field}/${fence.index}`, value }];
    }
    case 'variable':
      return variableOperations(path, container, fence);
    case 'present':
    case 'none':
      return [];
  }
}

function argumentOperations(
  path: string,
  { args }: Container,
  words: readonly string[],
): PatchOperation[] {
  return list(args).length === 0
    ? [{ op: 'add', path: `${path}/args`, value: [...words] }]
    : appendAll(`${path}/args`, args, words);
}

function variableOperations(
  path: string,
  { env }: Container,
  { name, value }: { readonly name: string; readonly value: string },
): PatchOperation[] {
  const at = list(env).findLastIndex((entry) => entry.name === name);
  if (at < 0) return appendAll(`${path}/env`, env, [{ name, value }]);
  // `add` replaces a key that exists and makes one that does not (an entry without a value).
  return [{ op: 'add', path: `${path}/env/${at}/value`, value }];
}

function preStopOperations(path: string, container: Container, plan: Plan): PatchOperation[] {
  if (plan.preStop === undefined) return [];
  return (container.lifecycle ?? undefined) === undefined
    ? [{ op: 'add', path: `${path}/lifecycle`, value: { preStop: plan.preStop } }]
    : [{ op: 'add', path: `${path}/lifecycle/preStop`, value: plan.preStop }];
}

function tokenOperations(pod: Pod, plan: Plan): PatchOperation[] {
  if (!plan.stripToken) return [];
  const volumes = automaticTokenVolumes(pod);
  return [
    ...mountRemovals('/spec/containers', list(pod.spec?.containers)),
    ...mountRemovals('/spec/initContainers', list(pod.spec?.initContainers)),
    ...removals('/spec/volumes', list(pod.spec?.volumes), (volume) => volumes.has(volume.name)),
  ];
}

function mountRemovals(path: string, containers: readonly Container[]): PatchOperation[] {
  return containers.flatMap((container, index) =>
    removals(`${path}/${index}/volumeMounts`, list(container.volumeMounts), isAutomaticTokenMount),
  );
}

function removals<T>(
  path: string,
  items: readonly T[],
  isGone: (item: T) => boolean,
): PatchOperation[] {
  return items
    .flatMap((item, index) =>
      isGone(item) ? [{ op: 'remove' as const, path: `${path}/${index}` }] : [],
    )
    .toReversed();
}

function specOperations(pod: Pod, plan: Plan): PatchOperation[] {
  const set = (key: string, value: unknown): PatchOperation[] =>
    value === undefined ? [] : [{ op: 'add', path: `/spec/${key}`, value }];
  const isStripped = pod.spec?.automountServiceAccountToken === false;
  return [
    ...set('serviceAccountName', plan.serviceAccount),
    ...set('automountServiceAccountToken', plan.stripToken && !isStripped ? false : undefined),
    ...set('terminationGracePeriodSeconds', plan.graceSeconds),
  ];
}
