// What a person answers for: terms that were forced, and data that were given up. Only these are
// excepted from the invariants.

import type { Timing } from '../../agent/core/lease-clock.ts';
import { readRecord } from '../../agent/kube/annotation-text.ts';
import { FORCE_ANNOTATION, RECORD_ANNOTATION } from '../../src/names.ts';
import type { StoredLease } from './api-server.ts';
import type { SimPod } from './cluster.ts';

export class Answered {
  /** Terms that were acquired because of the annotation, and when. */
  readonly #forced = new Map<number, number>();
  /** Pod and replication id of data that may be overwritten. */
  readonly #givenUp = new Set<string>();
  /** Whom a person took the Lease from believes itself for so long at the most, where it hears of nothing. */
  readonly #stillValidMs: number;

  constructor({ validityMs, fenceMs }: Timing) {
    this.#stillValidMs = (validityMs + fenceMs) * 1.01 + 200;
  }

  gaveUp({ uid }: SimPod, replid: string): void {
    this.#givenUp.add(`${uid} ${replid}`);
  }

  isGivenUp({ uid, redis }: SimPod): boolean {
    return redis !== null && this.#givenUp.has(`${uid} ${redis.replid}`);
  }

  onLease(before: StoredLease, after: StoredLease, now: number): void {
    const was = before.spec?.leaseTransitions ?? 0;
    const term = after.spec?.leaseTransitions ?? 0;
    if (term <= was || before.metadata.annotations?.[FORCE_ANNOTATION] !== String(was)) return;
    // Who is named by the holder is compared and judged as ever.
    const { basisMs } = readRecord(after.metadata.annotations?.[RECORD_ANNOTATION]);
    if (basisMs === null) this.#forced.set(term, now);
  }

  /** Nobody is waited for in such a term. */
  isForced(term: number): boolean {
    return this.#forced.has(term);
  }

  /** The holder of this term was deposed by force, so lately that it may not know. */
  isDeposed(term: number, now: number): boolean {
    return [...this.#forced].some(([forced, at]) => forced > term && now - at < this.#stillValidMs);
  }
}
