// Which groups there are: by their Leases, and by the label of their pods.

import { GROUP_LABEL } from '../../src/names.ts';
import type { Cluster, Refusal } from './cluster.ts';
import {
  groupLabelOf,
  groupOfLease,
  itemsIn,
  leasesPath,
  podsPath,
  type RawLease,
  type RawList,
  type RawPod,
} from './raw-objects.ts';

export type GroupName = { readonly namespace: string; readonly group: string };

export type Found = {
  readonly groups: readonly GroupName[];
  /** Where both ways are closed there is nothing to be found. */
  readonly refusals: readonly Refusal[];
};

/** There may be a Redis of that name, and no agent: who forgot the label of the namespace is told so by `check`. */
export function absentText({ namespace, group }: GroupName): string {
  const remedy = `status -A lists all groups; check -n ${namespace} tells what keeps a Redis there from being one`;
  return `there is no group ${group} in namespace ${namespace}. Remedy: ${remedy}.`;
}

/** `namespace` null: in all. */
export async function findGroups(cluster: Cluster, namespace: string | null): Promise<Found> {
  const [leases, pods] = await Promise.all([
    cluster.ask<RawList<RawLease>>({
      right: { verb: 'list', resource: 'leases', namespace },
      path: leasesPath(namespace),
    }),
    cluster.ask<RawList<RawPod>>({
      right: { verb: 'list', resource: 'pods', namespace },
      path: `${podsPath(namespace)}?labelSelector=${encodeURIComponent(GROUP_LABEL)}`,
    }),
  ]);
  const found = new Map<string, GroupName>();
  const add = (where: string | undefined, group: string | undefined): void => {
    if (group === undefined || where === undefined) return;
    found.set(`${where}/${group}`, { namespace: where, group });
  };
  if (leases.ok) {
    for (const lease of itemsIn(leases.body)) add(lease.metadata?.namespace, groupOfLease(lease));
  }
  if (pods.ok) {
    for (const pod of itemsIn(pods.body)) add(pod.metadata?.namespace, groupLabelOf(pod));
  }
  const names = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
  return { groups: names, refusals: [leases, pods].filter((each) => !each.ok) };
}
