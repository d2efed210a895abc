// The examples as a person has them, and the few changes with which tests apply them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesObject, V1StatefulSet } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from '../harness/programs.ts';
import type { Cluster } from './cluster.ts';

export type Flavour = {
  readonly manifest: string;
  /** Of the StatefulSet, of the clients' Service, and value of the label `app`. */
  readonly name: string;
  readonly image: string;
};

export const REDIS: Flavour = { manifest: 'plain-redis.yaml', name: 'redis', image: 'redis:7.0' };
export const VALKEY: Flavour = {
  manifest: 'plain-valkey.yaml',
  name: 'valkey',
  image: 'valkey/valkey:8',
};

export type ManifestOptions = {
  readonly image?: string;
  /** The data in an emptyDir: they go with the pod. */
  readonly withoutVolumes?: boolean;
  readonly replicas?: number;
};

function isStatefulSet(object: KubernetesObject): object is V1StatefulSet {
  return object.kind === 'StatefulSet';
}

function change(set: V1StatefulSet, options: ManifestOptions): void {
  const { spec } = set;
  const pod = spec?.template.spec;
  if (spec === undefined || pod === undefined) throw new Error('a StatefulSet without a pod');
  for (const container of pod.containers) {
    if (options.image !== undefined) container.image = options.image;
  }
  if (options.replicas !== undefined) spec.replicas = options.replicas;
  if (options.withoutVolumes === true) {
    delete spec.volumeClaimTemplates;
    pod.volumes = [...(pod.volumes ?? []), { name: 'data', emptyDir: {} }];
  }
}

export function exampleText(manifest: string): string {
  return readFileSync(join(REPOSITORY, 'manifests', 'examples', manifest), 'utf8');
}

export async function applyExample(
  cluster: Cluster,
  namespace: string,
  manifest: string,
  options: ManifestOptions = {},
): Promise<void> {
  const items = parseAllDocuments(exampleText(manifest)).map(
    (document) => document.toJS() as KubernetesObject,
  );
  for (const each of items.filter(isStatefulSet)) change(each, options);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await cluster.kubectl(['-n', namespace, 'apply', '-f', '-'], list);
}
