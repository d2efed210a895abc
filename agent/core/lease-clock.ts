// Timing of the Lease: how long a holder may believe itself, how long a challenger must wait.
// Invariant: a holder's validity and its fence end before any challenger's wait does.

export type Timing = {
  readonly renewMs: number;
  readonly requestTimeoutMs: number;
  /** H: validity of the holder, from before the successful renew was sent. */
  readonly validityMs: number;
  /** F: time within which a holder that lost validity has fenced itself. */
  readonly fenceMs: number;
  /** L: a challenger must have seen no change for so long. */
  readonly waitMs: number;
};

export const TIMING_PROFILES = {
  fast: { renewMs: 500, requestTimeoutMs: 400, validityMs: 1200, fenceMs: 400, waitMs: 2000 },
  balanced: { renewMs: 1000, requestTimeoutMs: 800, validityMs: 2500, fenceMs: 800, waitMs: 4000 },
  calm: {
    renewMs: 2000,
    requestTimeoutMs: 2000,
    validityMs: 10_000,
    fenceMs: 2000,
    waitMs: 15_000,
  },
} as const satisfies Record<string, Timing>;

/** Within so long a master that lost its replicas stops by itself: Redis counts its lag in whole seconds. */
const ISOLATION_BITES_MS = 1950;
/** A challenger may wait no less where that counts on it (DESIGN 5). */
const ISOLATION_WAIT_MIN_MS = 4000;

/** Why a master may not be isolated under this timing, or null. */
export function isolationFault({ waitMs }: Timing): string | null {
  if (waitMs >= ISOLATION_WAIT_MIN_MS) return null;
  return `an isolated master may acknowledge for up to ${ISOLATION_BITES_MS} ms after it lost its replicas, and here another may lead after ${waitMs} ms`;
}

/** Clocks of two machines may differ in rate by so much. */
const CLOCK_RATE_ERROR = 0.01;
/** An event loop may be late by so much without noticing. */
const STALL_ALLOWANCE_MS = 200;

/** Why this timing could lead to two masters, or null where it cannot (DESIGN 4). */
export function timingFault(timing: Timing): string | null {
  const ends = (timing.validityMs + timing.fenceMs) * (1 + CLOCK_RATE_ERROR) + STALL_ALLOWANCE_MS;
  const begins = timing.waitMs * (1 - CLOCK_RATE_ERROR);
  if (ends < begins) return null;
  return `a holder could still accept writes ${Math.round(ends)} ms after its last renewal, but a challenger may take over after ${Math.round(begins)} ms`;
}
