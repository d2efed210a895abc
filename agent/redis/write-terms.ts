// On what terms an open master acknowledges writes: so many replicas, each of which acknowledged so
// lately. What its user configured is told from what we set (guard, isolation), and comes back.

export type WriteTerms = {
  /** `min-replicas-to-write` */
  readonly minReplicas: number;
  /** `min-replicas-max-lag` */
  readonly maxLagSeconds: number;
};

/** More replicas than anybody has: no write is accepted while it stands (the promotion's guard). */
export const GUARD_REPLICAS = 1_000_000;
/** The shortest that Redis knows: replicas acknowledge once a second. */
const ISOLATED_LAG_SECONDS = 1;

/** As Redis has them, unless somebody configures it. */
export const REDIS_WRITE_TERMS: WriteTerms = { minReplicas: 0, maxLagSeconds: 10 };

export function isolatedTerms({ minReplicas }: WriteTerms): WriteTerms {
  return { minReplicas: Math.max(1, minReplicas), maxLagSeconds: ISOLATED_LAG_SECONDS };
}

/**
 * The user's own terms by what Redis shows, and what was known of them. What was not answered, NaN, and
 * the guard tell nothing. A lag of one second may be our isolation, of an agent before us as well: then
 * more than one replica can only be the user's wish, and of one nobody knows whose it is.
 */
export function ownTerms(seen: WriteTerms, known: WriteTerms): WriteTerms {
  const { minReplicas, maxLagSeconds } = seen;
  const isIsolated = maxLagSeconds === ISOLATED_LAG_SECONDS;
  const isOurs = minReplicas === 1 && isIsolated;
  return {
    minReplicas: minReplicas < GUARD_REPLICAS && !isOurs ? minReplicas : known.minReplicas,
    maxLagSeconds: Number.isNaN(maxLagSeconds) || isIsolated ? known.maxLagSeconds : maxLagSeconds,
  };
}
