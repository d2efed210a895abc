// What the input tells of namespaces: the webhook is asked about the pods of labelled ones alone.

import { isMap } from '../src/json.ts';
import { INJECT_LABEL } from '../src/names.ts';
import { labelsOf, type Pod } from '../webhook/core/pod.ts';
import { type Reason, reason } from '../webhook/core/reasons.ts';
import type { Item } from './manifest/workloads.ts';

/** Labels of the Namespaces that are in the input. */
export type Namespaces = ReadonlyMap<string, string | undefined>;

export function labelOf({ value }: Item): string | undefined {
  const metadata = isMap(value['metadata']) ? value['metadata'] : {};
  const labels = isMap(metadata['labels']) ? metadata['labels'] : {};
  const label = labels[INJECT_LABEL];
  if (typeof label === 'string') return label;
  // Without quotes `true` is no text, and the API server would refuse it.
  return (label ?? undefined) === undefined ? undefined : JSON.stringify(label);
}

export function namespacesIn(items: readonly Item[]): Namespaces {
  return new Map(
    items
      .filter(({ kind, apiVersion }) => kind === 'Namespace' && apiVersion === 'v1')
      .map((item) => [item.name, labelOf(item)]),
  );
}

/** A namespace that the input does not have is taken to be labelled. */
export function isEnabled(namespaces: Namespaces, name: string): boolean {
  return !namespaces.has(name) || namespaces.get(name) === 'enabled';
}

/** Why the webhook is never asked about a pod; its own label wins. */
export function unasked(namespaces: Namespaces, name: string, pod: Pod): Reason | undefined {
  if (isEnabled(namespaces, name) || labelsOf(pod)[INJECT_LABEL] !== undefined) return undefined;
  const value = namespaces.get(name);
  return value === undefined || value === 'disabled'
    ? reason('namespace-unlabelled', { namespace: name })
    : reason('label-misspelt', { value });
}
