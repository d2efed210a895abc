// What a process costs, as the kernel counts it.

import { readFileSync } from 'node:fs';

/** USER_HZ, on every Linux that we know. */
const TICKS_PER_SECOND = 100;

export type Memory = {
  readonly rss_MiB: number;
  readonly anonymous_MiB: number;
  /** Page tables, which the kubelet counts too. */
  readonly tables_MiB: number;
};

const MIB = 1024;

function kibOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    rss_MiB: kibOf(rollup, 'Rss') / MIB,
    anonymous_MiB: kibOf(rollup, 'Anonymous') / MIB,
    tables_MiB: kibOf(status, 'VmPTE') / MIB,
  };
}

/** Seconds of a core that all its threads have used so far. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything: fields count from behind it, the first is the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Of the last minute. */
export function load(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}
