// The only place that reads clocks and sets timers. Durations come from a boot-time clock, which
// no jump of the wall clock moves.

import { openSync, readSync } from 'node:fs';

export type Timer = { cancel(): void };

export type Clock = {
  /** Boot-time milliseconds. */
  now(): number;
  /** Wall clock, for people and for Kubernetes only; never compared with another machine's. */
  epochMs(): number;
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
  sleep(ms: number): Promise<void>;
};

const uptime = openUptime();
const text = Buffer.alloc(64);
/** How long the machine was suspended since its boot, as far as noticed. */
let suspendedMs = 0;
const SUSPENSION_MIN_MS = 100;

function openUptime(): number | null {
  try {
    return openSync('/proc/uptime', 'r');
  } catch {
    return null;
  }
}

/**
 * Boot time. process.hrtime (CLOCK_MONOTONIC) stands still while the machine is suspended, and a
 * holder would believe itself valid after it; /proc/uptime goes on, in steps of 10 ms. Where there
 * is no /proc (a laptop used for developing), suspension is not noticed.
 */
function bootMs(): number {
  const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
  if (uptime !== null) {
    const length = readSync(uptime, text, 0, text.length, 0);
    const uptimeMs = Number.parseFloat(text.toString('latin1', 0, length)) * 1000;
    const aheadMs = uptimeMs - monotonicMs;
    if (aheadMs - suspendedMs > SUSPENSION_MIN_MS) suspendedMs = aheadMs;
  }
  return monotonicMs + suspendedMs;
}

export const systemClock: Clock = {
  now: bootMs,
  epochMs: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    return { cancel: () => clearInterval(timer) };
  },
  sleep: (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    }),
};
