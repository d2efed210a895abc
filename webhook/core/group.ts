// The group of a pod: the owner's name, so that two StatefulSets with one `app` label never mix.

import { GROUP_LABEL, POD_ANNOTATIONS } from '../../src/names.ts';
import { shortHash } from './hash.ts';
import { annotationsOf, controllerOf, labelsOf, type Pod } from './pod.ts';

const LABEL_LENGTH_MAX = 63;

/** Always a valid label value and part of an object's name. */
export function groupOf(pod: Pod): string {
  const labels = labelsOf(pod);
  const wanted = labels[GROUP_LABEL] ?? annotationsOf(pod)[POD_ANNOTATIONS.group];
  return toLabel(wanted ?? ownerName(pod));
}

function ownerName(pod: Pod): string {
  const labels = labelsOf(pod);
  const owner = controllerOf(pod);
  if (owner?.name !== undefined) {
    const template = owner.kind === 'ReplicaSet' ? labels['pod-template-hash'] : undefined;
    const suffix = template === undefined ? undefined : `-${template}`;
    return suffix !== undefined && owner.name.endsWith(suffix)
      ? owner.name.slice(0, -suffix.length)
      : owner.name;
  }
  const fromLabels = labels['app.kubernetes.io/instance'] ?? labels['app'];
  return fromLabels ?? pod.metadata?.name ?? pod.metadata?.generateName ?? 'redis';
}

/** A name of Kubernetes (RFC 1123 subdomain): as it is. `a.b` and `a-b` stay two groups. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function toLabel(text: string): string {
  if (text.length <= LABEL_LENGTH_MAX && SUBDOMAIN.test(text)) return text;
  // What had to be changed gets a hash: two texts must not become one group.
  const hash = shortHash(text);
  const clean = text
    .slice(0, LABEL_LENGTH_MAX - hash.length - 1)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return clean === '' ? `g${hash}` : `${clean}-${hash}`;
}
