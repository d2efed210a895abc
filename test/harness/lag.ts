// Replicas that lag: what their master sends has not arrived for a while.

import type { Pod } from './pod.ts';
import type { Scenario } from './scenario.ts';
import { holdsFor } from './wait-for.ts';

export const BEHIND_MS = 1500;

/** The links stay cut, one way, until they are healed. */
export async function fallBehind(
  scenario: Scenario,
  master: Pod,
  pods: readonly Pod[],
): Promise<void> {
  for (const pod of pods) await pod.link.loseFrom(master.ip);
  await scenario.busy();
  await holdsFor(BEHIND_MS, () => undefined);
}
