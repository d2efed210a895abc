// What protects less than it could, by a code that metrics and Events share, with its sentence.

import { isolationWeakness } from './isolation.ts';
import { killWeakness } from './kill.ts';
import type { AgentState } from './model.ts';
import { localInstance } from './view.ts';

export const WEAKNESSES = ['boot_fence', 'isolation', 'kill', 'settings'] as const;
export type Weakness = (typeof WEAKNESSES)[number];

const NO_BOOT_FENCE =
  'this Redis does not start as a replica of nobody (--boot-fence): one that restarts takes writes until its agent sees it';

export function weaknessesOf(s: AgentState): ReadonlyMap<Weakness, string> {
  const obstacle = localInstance(s)?.obstacle;
  const settings = obstacle?.kind === 'weaker' ? [obstacle.problem] : [];
  const texts: Readonly<Record<Weakness, readonly string[]>> = {
    boot_fence: s.config.bootFence ? [] : [NO_BOOT_FENCE],
    isolation: isolationWeakness(s),
    kill: killWeakness(s),
    settings,
  };
  return new Map(
    WEAKNESSES.flatMap((code) => texts[code].slice(0, 1).map((text) => [code, text] as const)),
  );
}
