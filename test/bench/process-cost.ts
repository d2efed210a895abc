// What a process costs, as the kernel counts it.

import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

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

const PAGE_BYTES = 4096;
const ENTRY_BYTES = 8;
/** Of a page map's entry: bit 63 present; below bit 55 the number of its frame. */
const PRESENT = 1n << 63n;
const FRAME = (1n << 55n) - 1n;
/** Of a frame's flags. */
const ACTIVE = 1n << 6n;

/**
 * Resident file pages that the kernel holds for active. Undefined where frames are not shown: without
 * root, or in a container.
 */
export function activeFileMiB(pid: number): number | undefined {
  const files: number[] = [];
  const open = (path: string): number => {
    const file = openSync(path, 'r');
    files.push(file);
    return file;
  };
  const entry = Buffer.alloc(ENTRY_BYTES);
  const at = (file: number, index: number): bigint =>
    readSync(file, entry, 0, ENTRY_BYTES, index * ENTRY_BYTES) === ENTRY_BYTES
      ? entry.readBigUInt64LE()
      : 0n;
  try {
    const [map, flags] = [open(`/proc/${pid}/pagemap`), open('/proc/kpageflags')];
    const text = readFileSync(`/proc/${pid}/smaps`, 'utf8');
    let active = 0;
    let frames = 0;
    for (const [, from = '', to = '', inode] of text.matchAll(
      /^([\da-f]+)-([\da-f]+) \S+ \S+ \S+ (\d+)/gm,
    )) {
      if (inode === '0') continue;
      const end = Number.parseInt(to, 16) / PAGE_BYTES;
      for (let page = Number.parseInt(from, 16) / PAGE_BYTES; page < end; page++) {
        const mapped = at(map, page);
        if ((mapped & PRESENT) === 0n || (mapped & FRAME) === 0n) continue;
        frames++;
        if ((at(flags, Number(mapped & FRAME)) & ACTIVE) !== 0n) active++;
      }
    }
    return frames === 0 ? undefined : (active * PAGE_BYTES) / 1024 / 1024;
  } catch {
    return undefined;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** Seconds of a core that all its threads have used so far. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything: fields count from behind it, the first is the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * The same to the microsecond, for differences that ticks are too coarse for: of the threads that live. An
 * agent ends none while it runs; without the kernel's schedstat in ticks.
 */
export function fineCpuSecondsOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  try {
    const nanoseconds = readdirSync(folder).map((thread) =>
      Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
  } catch {
    return cpuSecondsOf(pid);
  }
}

/** Of the last minute. */
export function load(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}
