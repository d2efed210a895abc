// A pod is replaced as a StatefulSet does it.

import type { Group } from './group.ts';
import type { Pod } from './pod.ts';
import { waitFor } from './wait-for.ts';

/** In place of one that has ended: a new pod, which the controller waits for before it goes on. */
export async function replaceReady(group: Group, pod: Pod): Promise<void> {
  group.forget(pod);
  const fresh = await group.create(pod.name);
  await waitFor(`${pod.name} is ready`, async () => await fresh.isReady(), {
    timeoutMs: 30_000,
    picture: () => fresh.logTail(),
  });
}
