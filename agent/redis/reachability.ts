// What a row of looks at an instance says of it: since when it does not answer, and how.

import type { Instance, LocalRedis } from '../core/model.ts';

/**
 * Answers of a Redis that lives but does not let us in; or whose certificate we reject, or it ours (an
 * alert of TLS). It may serve others all the while: what looked like silence made a second master.
 */
const LOCKED_OUT = /NOAUTH|WRONGPASS|NOPERM|max number of clients|certificate|\balert\b/i;

export function isLockedOut(detail: string): boolean {
  return LOCKED_OUT.test(detail);
}

/** Looks come four times a second at least: a quarter of a timeout of one second. */
const LEAST_SHARE_WAITED = 0.75;

export type Look = Instance | { readonly refused: boolean; readonly detail: string };

export class Reachability {
  #unreachableSince: number | null = null;
  #answeredAt: number;
  #last: Instance | null = null;

  /** `now`: boot-time milliseconds, as everywhere here. */
  constructor(now: number) {
    this.#answeredAt = now;
  }

  /** A role command showed the instance as well; it is no look. */
  shown(instance: Instance): void {
    this.#last = instance;
  }

  /**
   * In how many milliseconds a look that is sent now shows silence of `timeoutMs`, which counts from
   * the last answer. Never much sooner than that: who asks may have slept itself.
   */
  silenceDueMs(now: number, timeoutMs: number): number {
    return Math.max(this.#answeredAt + timeoutMs - now, timeoutMs * LEAST_SHARE_WAITED);
  }

  after(seen: Look, now: number): LocalRedis {
    if ('runId' in seen) {
      this.#unreachableSince = null;
      this.#answeredAt = now;
      this.#last = seen;
      return { reachable: true, instance: seen, seenAt: now };
    }
    const { refused, detail } = seen;
    // Silence counts from the last answer; a closed socket is noticed at once.
    this.#unreachableSince ??= refused ? now : this.#answeredAt;
    const since = this.#unreachableSince;
    const locked = isLockedOut(detail);
    return { reachable: false, since, refused, locked, detail, last: this.#last };
  }
}
