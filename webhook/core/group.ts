// The group of a pod: the owner's name, so that two StatefulSets with one `app` label never mix.

import { GROUP_LABEL, POD_ANNOTATIONS } from '../../src/names.ts';
import { shortHash } from './hash.ts';
import { annotationsOf, controllerOf, labelsOf, type Pod } from './pod.ts';
import { type Reason, reason } from './reasons.ts';

const LABEL_LENGTH_MAX = 63;

/** Always a valid label value and part of an object's name, where `groupErrors` has nothing to say. */
export function groupOf(pod: Pod): string {
  return wantedGroup(pod)?.value ?? toLabel(ownerName(pod));
}

function wantedGroup(pod: Pod): { readonly where: string; readonly value: string } | undefined {
  const label = labelsOf(pod)[GROUP_LABEL];
  if (label !== undefined && label !== null) return { where: `label ${GROUP_LABEL}`, value: label };
  const annotation = annotationsOf(pod)[POD_ANNOTATIONS.group];
  return annotation === undefined
    ? undefined
    : { where: `annotation ${POD_ANNOTATIONS.group}`, value: annotation };
}

/**
 * What a person wrote is the name of the Lease and what the Services select, letter by letter. Made into another
 * word it would be found by neither, and empty it is what a template forgot: two workloads would be one group.
 */
export function groupErrors(pod: Pod): readonly Reason[] {
  const wanted = wantedGroup(pod);
  if (wanted === undefined || isName(wanted.value)) return [];
  const value = wanted.value === '' ? 'nothing' : wanted.value.slice(0, 20);
  return [reason('group-invalid', { where: wanted.where, value })];
}

function ownerName(pod: Pod): string {
  const labels = labelsOf(pod);
  const owner = controllerOf(pod);
  if (typeof owner?.name === 'string') {
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

function isName(text: string): boolean {
  return text.length <= LABEL_LENGTH_MAX && SUBDOMAIN.test(text);
}

function toLabel(text: string): string {
  if (isName(text)) return text;
  // What had to be changed gets a hash: two texts must not become one group.
  const hash = shortHash(text);
  const clean = text
    .slice(0, LABEL_LENGTH_MAX - hash.length - 1)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return clean === '' ? `g${hash}` : `${clean}-${hash}`;
}
