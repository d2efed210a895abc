// Where pods stand in a manifest: pods themselves, the templates of controllers, and both inside of lists.

import { list, type OwnerReference, type Pod } from '../../webhook/core/pod.ts';
import { type Fields, isMap } from '../../src/json.ts';
import { type Fault, podFault } from '../../webhook/core/pod-fault.ts';
import { isTemplate, RENDER_FIRST } from './parse.ts';
import { type Path, valueAt } from './plain.ts';

/** One object of Kubernetes, wherever it stands. */
export type Item = {
  readonly document: number;
  readonly path: Path;
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly value: Fields;
};

/** An object that is a pod or makes pods. */
export type Workload = {
  readonly item: Item;
  /** Of the pod or its template, from the document. */
  readonly path: Path;
  /** As the webhook would see it, but for what controllers and the API server add. */
  readonly pod: Pod;
};

const TEMPLATE: Path = ['spec', 'template'];
/** By API group; the core group has no name. */
export const POD_PATHS: Readonly<Record<string, Readonly<Record<string, Path>>>> = {
  '': { Pod: [], ReplicationController: TEMPLATE },
  apps: {
    StatefulSet: TEMPLATE,
    Deployment: TEMPLATE,
    ReplicaSet: TEMPLATE,
    DaemonSet: TEMPLATE,
  },
  batch: { Job: TEMPLATE, CronJob: ['spec', 'jobTemplate', 'spec', 'template'] },
};

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** All objects of the documents; the items of lists stand for the list. */
export function itemsOf(values: readonly unknown[]): Item[] {
  return values.flatMap((value, document) => itemsIn(value, document, [], '', ''));
}

function itemsIn(
  value: unknown,
  document: number,
  path: Path,
  kindOfList: string,
  versionOfList: string,
): Item[] {
  if (!isMap(value)) return [];
  // The items of a typed list (PodList) need not say what they are.
  const kind = textOf(value['kind']) ?? kindOfList;
  const apiVersion = textOf(value['apiVersion']) ?? versionOfList;
  const inner = value['items'];
  if (kind.endsWith('List') && Array.isArray(inner)) {
    return inner.flatMap((item: unknown, index) =>
      itemsIn(item, document, [...path, 'items', index], kind.slice(0, -4), apiVersion),
    );
  }
  const metadata = isMap(value['metadata']) ? value['metadata'] : {};
  const name = textOf(metadata['name']) ?? textOf(metadata['generateName']) ?? '';
  const namespace = textOf(metadata['namespace']);
  return [{ document, path, kind, apiVersion, name, namespace, value }];
}

export function groupOfVersion(apiVersion: string): string {
  return apiVersion.slice(0, Math.max(apiVersion.indexOf('/'), 0));
}

export function workloadOf(item: Item): Workload | undefined {
  const { kind, apiVersion, name, value } = item;
  const path = POD_PATHS[groupOfVersion(apiVersion)]?.[kind];
  const found = path === undefined ? undefined : valueAt(value, path);
  if (path === undefined || !isMap(found)) return undefined;
  const whole = [...item.path, ...path];
  if (path.length === 0) return { item, path: whole, pod: found };
  // What the webhook sees of a controller is the reference of its pods to it. A Deployment's is by way of a
  // ReplicaSet, whose name the core takes back to the Deployment's.
  const owner: OwnerReference = {
    apiVersion,
    kind: kind === 'CronJob' ? 'Job' : kind,
    name,
    controller: true,
  };
  return { item, path: whole, pod: { ...found, owner } };
}

/** For people: `StatefulSet shop/redis`. */
export function titleOf({ kind, name, namespace }: Item): string {
  const shown = name === '' ? '(no name)' : name;
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${shown}`;
}

/** Why the core must not be asked: it relies on texts being texts, as the API server does. */
export function faultOf({ item, pod, path }: Workload): Fault | undefined {
  // In quotes a template is YAML; what it will say is not known all the same.
  const containers: unknown = pod.spec?.containers;
  const images = list<unknown>(Array.isArray(containers) ? containers : []).map((container) =>
    isMap(container) ? container['image'] : undefined,
  );
  const written = [item.name, item.namespace, ...images].flatMap((text) => textOf(text) ?? []);
  const template = written.find(isTemplate);
  if (template !== undefined) {
    return { field: '', what: `${template} is a template`, remedy: RENDER_FIRST };
  }
  const above = path.slice(item.path.length).join('.');
  const found = podFault(pod, above);
  if (found !== undefined) return found;
  if (list(pod.spec?.containers).length > 0) return undefined;
  const field = `${above === '' ? '' : `${above}.`}spec.containers`;
  return { field, what: 'no container is there', remedy: 'write at least one container' };
}
