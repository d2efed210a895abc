// Failsafe: while the API server does not answer, the holder stays master as long as every candidate
// promises not to acquire for a whole wait (DESIGN 4).

import type { AgentEvent } from './model.ts';
import type { Turn } from './turn.ts';
import { isHolder, leaseOf } from './view.ts';

const FAILSAFE_ROUND_MS = 300;

/** Failsafe: a candidate that promises will not acquire for a whole wait (rule 20). */
export function promiseIfAsked(
  turn: Turn,
  report: Extract<AgentEvent, { kind: 'peer' }>['report'],
): void {
  const { s } = turn;
  if (report.failsafeRound === 0) return;
  const holder = leaseOf(s)?.holder;
  if (holder?.agentId !== report.agentId || s.pendingWrite !== null || isHolder(s)) return;
  const { failsafeRound: round, agentId } = report;
  if (s.promise?.agentId === agentId && s.promise.round >= round) return;
  s.promise = { agentId, round, until: s.now + s.config.timing.waitMs };
}

/** Holder with a silent API server: master as long as all candidates promise (DESIGN 4). */
export function runFailsafe(turn: Turn): void {
  const { s } = turn;
  const lease = leaseOf(s);
  const isSilent = s.now - s.renewSentAt > s.config.timing.renewMs * 1.5;
  if (s.phase !== 'Leading' || lease === null || !isSilent) {
    if (s.failsafe.round !== 0) s.failsafe = { round: 0, startedAt: s.now };
    return;
  }
  const uids = new Set([...lease.record.candidates.map(({ uid }) => uid), ...s.attempted]);
  uids.delete(s.config.self.uid);
  const { round, startedAt } = s.failsafe;
  // Nobody's promise is none, unless nobody else is there who could acquire.
  const isAlone = !(s.pods ?? []).some((pod) => pod.uid !== s.config.self.uid && !pod.terminal);
  const isUnanimous =
    (uids.size > 0 || isAlone) &&
    [...uids].every((uid) => {
      const promise = s.peers.get(uid)?.report.promise;
      return promise?.agentId === s.config.self.agentId && promise.round === round;
    });
  if (round > 0 && isUnanimous) {
    s.validUntil = Math.max(s.validUntil, startedAt + s.config.timing.validityMs);
  }
  if (round === 0 || (isUnanimous && s.now - startedAt >= FAILSAFE_ROUND_MS)) {
    // Rounds are numbered by the clock, so that a new outage never reuses an old promise.
    s.failsafe = { round: Math.max(round + 1, Math.floor(s.now)), startedAt: s.now };
  }
}
