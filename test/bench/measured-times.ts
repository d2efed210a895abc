// What an agent used over a stretch of time, and what of it is due to something that was there in some stretches
// and not in others. Each difference is of neighbours in time, so that a machine that drifts shows as a spread.

import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from './figures.ts';
import { fineCpuSecondsOf, load, type Memory, memoryOf } from './process-cost.ts';

export type Stretch = {
  readonly seconds: number;
  readonly cpu_ms: number;
  /** Of one core. */
  readonly cpu_percent: number;
  /** The median of a look a second: a heap grows and shrinks as it likes. */
  readonly rss_KiB: number;
  readonly anonymous_KiB: number;
  /** Of the machine, over the last minute. */
  readonly load: number;
};

export type Spread = { readonly min: number; readonly p50: number; readonly max: number };

export async function stretch(pid: number, seconds: number): Promise<Stretch> {
  const startedMs = performance.now();
  const cpuBefore = fineCpuSecondsOf(pid);
  const memories: Memory[] = [];
  for (let second = 1; second <= seconds; second++) {
    await pause(Math.max(0, startedMs + second * 1000 - performance.now()));
    memories.push(memoryOf(pid));
  }
  const used = fineCpuSecondsOf(pid) - cpuBefore;
  const passed = (performance.now() - startedMs) / 1000;
  const median = (of: (memory: Memory) => number): number => percentile(memories.map(of), 0.5);
  return {
    seconds: rounded(passed, 3),
    cpu_ms: rounded(used * 1000, 2),
    cpu_percent: rounded((used / passed) * 100, 3),
    rss_KiB: Math.round(median(({ rss_MiB }) => rss_MiB) * 1024),
    anonymous_KiB: Math.round(median(({ anonymous_MiB }) => anonymous_MiB) * 1024),
    load: load(),
  };
}

export function spread(values: readonly number[], digits: number): Spread {
  const at = (share: number): number => rounded(percentile(values, share), digits);
  return { min: at(0), p50: at(0.5), max: at(1) };
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export function spreadText({ min, p50, max }: Spread): string {
  return `${p50} (${min} to ${max})`;
}
