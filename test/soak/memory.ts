// The agents' memory over time: resident set size by process, and whether it grows.

import { readFileSync } from 'node:fs';
import type { Pod } from '../harness/pod.ts';

export type Sample = {
  readonly minute: number;
  readonly pod: string;
  readonly pid: number;
  readonly ageMinutes: number;
  readonly rssMiB: number;
};

/** Until then the compiler of V8 still meets functions that have just become hot, and keeps what it makes of them. */
const SETTLED_MINUTES = 10;
/** Growth per hour that counts as flat, for the collector's freedom. */
export const FLAT_MIB_PER_HOUR = 6;

function rssMiB(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

export class Memory {
  readonly samples: Sample[] = [];
  private readonly startedMs = performance.now();
  private readonly firstSeenMs = new Map<number, number>();

  look(pods: readonly Pod[]): void {
    const now = performance.now();
    for (const { name, agent } of pods) {
      const { pid } = agent.process;
      const size = rssMiB(pid);
      if (size === undefined || Number.isNaN(size)) continue;
      const first = this.firstSeenMs.get(pid) ?? now;
      this.firstSeenMs.set(pid, first);
      this.samples.push({
        minute: (now - this.startedMs) / 60_000,
        pod: name,
        pid,
        ageMinutes: (now - first) / 60_000,
        rssMiB: size,
      });
    }
  }

  get maxMiB(): number {
    return Math.max(0, ...this.samples.map((each) => each.rssMiB));
  }

  /**
   * Growth in MiB per hour, by least squares over the settled samples of each process, weighed by
   * their number; null where no process lived long enough to tell.
   */
  growthPerHour(): number | null {
    let weight = 0;
    let sum = 0;
    for (const pid of this.firstSeenMs.keys()) {
      const own = this.samples.filter(
        (each) => each.pid === pid && each.ageMinutes >= SETTLED_MINUTES,
      );
      const spanMinutes = (own.at(-1)?.ageMinutes ?? 0) - (own[0]?.ageMinutes ?? 0);
      if (own.length < 5 || spanMinutes < 2 * SETTLED_MINUTES) continue;
      sum += slope(own) * 60 * own.length;
      weight += own.length;
    }
    return weight === 0 ? null : sum / weight;
  }
}

function slope(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((total, value) => total + value, 0) / values.length;
  const x = mean(samples.map((each) => each.ageMinutes));
  const y = mean(samples.map((each) => each.rssMiB));
  const up = samples.reduce((total, each) => total + (each.ageMinutes - x) * (each.rssMiB - y), 0);
  const down = samples.reduce((total, each) => total + (each.ageMinutes - x) ** 2, 0);
  return down === 0 ? 0 : up / down;
}
