// The only place that reads clocks and sets timers. Durations come from a boot-time clock, which
// no jump of the wall clock moves.

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

/** process.hrtime is CLOCK_MONOTONIC; the offset to the boot makes it comparable across restarts. */
export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
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
