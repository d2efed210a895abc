// The end of every scenario: one pod is labelled master, it is the one instance with role:master,
// the Lease names it, and every other instance follows it.

import { waitFor } from './wait-for.ts';
import type { Group } from './group.ts';
import type { Pod } from './pod.ts';

export type OneMasterOptions = {
  readonly timeoutMs?: number;
  /** Instances that are known to be down or frozen, and are left out. */
  readonly without?: readonly Pod[];
  readonly not?: Pod;
};

async function describe(pod: Pod): Promise<string> {
  const redis = await pod
    .replication()
    .then(
      (info) => `${info.role} of ${info.masterHost || '-'} linkUp=${info.linkUp} keys=${info.keys}`,
    )
    .catch((error: unknown) => String(error));
  const agent = await pod
    .state()
    .then((state) => `${state.state} term ${state.term}: ${state.lastDecision?.reason ?? '-'}`)
    .catch((error: unknown) => String(error));
  return `${pod.name} ${pod.ip}: redis ${redis}; agent ${agent}`;
}

/** All that one wants to see when a group did not do what it should. */
export async function groupPicture(group: Group): Promise<string> {
  const pods = await Promise.all(group.pods.map(describe));
  const labels = await group.labels().then((all) => JSON.stringify([...all]), String);
  const lease = await group.lease().then((found) => JSON.stringify(found), String);
  return [...pods, `labels ${labels}`, `lease ${lease}`].join('\n');
}

async function findOneMaster(group: Group, options: OneMasterOptions): Promise<Pod> {
  const pods = group.pods.filter((pod) => options.without?.includes(pod) !== true);
  const [labels, lease, infos] = await Promise.all([
    group.labels(),
    group.lease(),
    Promise.all(pods.map(async (pod) => ({ pod, info: await pod.replication() }))),
  ]);
  const labelled = [...labels].filter(([, role]) => role === 'master').map(([name]) => name);
  if (labelled.length !== 1) throw new Error(`labelled master: [${labelled.join(', ')}]`);
  const masters = infos.filter(({ info }) => info.role === 'master').map(({ pod }) => pod);
  const [master] = masters;
  if (master === undefined || masters.length > 1) {
    throw new Error(`role:master: [${masters.map((pod) => pod.name).join(', ')}]`);
  }
  if (labelled[0] !== master.name)
    throw new Error(`${labelled[0]} is labelled, not ${master.name}`);
  if (lease?.podName !== master.name || lease.podUid !== master.uid) {
    throw new Error(`the Lease is held by ${lease?.podName} ${lease?.podUid}`);
  }
  for (const { pod, info } of infos) {
    if (pod === master) continue;
    if (info.masterHost !== master.ip || !info.linkUp) {
      throw new Error(`${pod.name} follows ${info.masterHost}, link up: ${info.linkUp}`);
    }
    if (labels.get(pod.name) !== 'replica') {
      throw new Error(`${pod.name} is labelled ${labels.get(pod.name)}`);
    }
  }
  if (master === options.not) throw new Error(`${master.name} is still the master`);
  return master;
}

/** Waits for it; the failure shows the whole group. */
export async function oneMaster(group: Group, options: OneMasterOptions = {}): Promise<Pod> {
  return await waitFor(
    'exactly one master, labelled, holding the Lease and followed by all',
    async () => await findOneMaster(group, options),
    {
      timeoutMs: options.timeoutMs ?? 20_000,
      everyMs: 100,
      picture: async () => await groupPicture(group),
    },
  );
}
