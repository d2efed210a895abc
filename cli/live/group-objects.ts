// The two questions to the API server about a group: its Lease, and the pods that have its label.

import { GROUP_LABEL, leaseName } from '../../src/names.ts';
import type { Answer, Cluster } from './cluster.ts';
import type { GroupName } from './find-groups.ts';
import { leasesPath, podsPath, type RawLease, type RawList, type RawPod } from './raw-objects.ts';

/** `limit`: where an answer is not worth a wait of --timeout. */
export async function askLease(
  cluster: Cluster,
  { namespace, group }: GroupName,
  limit: { readonly timeoutMs?: number } = {},
): Promise<Answer<RawLease>> {
  const right = { verb: 'get', resource: 'leases', namespace } as const;
  return await cluster.ask({
    right,
    path: `${leasesPath(namespace)}/${leaseName(group)}`,
    ...limit,
  });
}

export async function askPods(
  cluster: Cluster,
  { namespace, group }: GroupName,
): Promise<Answer<RawList<RawPod>>> {
  const selector = encodeURIComponent(`${GROUP_LABEL}=${group}`);
  const right = { verb: 'list', resource: 'pods', namespace } as const;
  return await cluster.ask({ right, path: `${podsPath(namespace)}?labelSelector=${selector}` });
}
