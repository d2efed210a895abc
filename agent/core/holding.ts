// The Lease writes of its holder: renewal, naming a successor, release.

import type { Member } from './election.ts';
import type { GroupRecord, Holder } from './model.ts';
import { lineageToLeave, nextDatasets, renewedRecord } from './record.ts';
import { type Turn, UNDECIDED } from './turn.ts';
import { leaseOf, rankedMembers, recordOf } from './view.ts';

/** Sends a renewal when it is due; rule 2: also while a swap that gave the Lease away is unknown. */
export function renewIfDue(turn: Turn, options: { atOnce?: boolean } = {}): void {
  const { s } = turn;
  const lease = leaseOf(s);
  if (lease === null || !turn.canWrite()) return;
  const sinceMs = s.now - s.renewSentAt;
  if (sinceMs < s.config.timing.renewMs && options.atOnce !== true && !s.unsure) return;
  turn.writeLease('renew', lease.term, s.config.self, renewedRecord(s), 'renewal');
}

/** The holder itself names its successor; only the holder may (DESIGN 4). */
export function transfer(
  turn: Turn,
  member: Member,
  reason: string,
  options: Pick<GroupRecord, 'goal' | 'decided'> & { readonly request?: string | undefined },
): void {
  const { s } = turn;
  const peer = s.peers.get(member.uid);
  const lease = leaseOf(s);
  if (peer === undefined || lease === null || !turn.canWrite()) return;
  const { podName, podUID, agentId, clockMs } = peer.report;
  const holder: Holder = { pod: podName, uid: podUID, agentId };
  const { pod, uid, address } = s.config.self;
  turn.writeLease(
    'transfer',
    lease.term + 1,
    holder,
    {
      lineage: lineageToLeave(s),
      datasets: nextDatasets(s, recordOf(s)),
      goal: options.goal,
      decided: options.decided,
      basisMs: clockMs,
      previous: { pod, uid, address },
    },
    reason,
    options.request,
  );
  turn.say(`handing term ${lease.term + 1} to ${podName}: ${reason}`);
}

export function release(turn: Turn, reason: string): void {
  const { s } = turn;
  const lease = leaseOf(s);
  if (lease === null || !turn.canWrite()) return;
  const lineage = lineageToLeave(s);
  const changes = { ...UNDECIDED, lineage, datasets: nextDatasets(s, recordOf(s)) };
  turn.writeLease('release', lease.term, null, changes, reason);
  turn.say(`releasing term ${lease.term}: ${reason}`);
}

/** Best live peer, or a release: somebody else must decide. */
export function giveAway(turn: Turn, reason: string): void {
  const best = rankedMembers(turn.s).find((member) => member.uid !== turn.s.config.self.uid);
  if (best !== undefined) transfer(turn, best, reason, { goal: null, decided: false });
  else release(turn, reason);
}

/** After a transfer or release was sent: fenced, whatever came of it. */
export function leaveIfGiven(turn: Turn): boolean {
  const op = turn.s.pendingWrite?.write.op;
  return op === 'transfer' || op === 'release';
}

export const LOCKED_OUT = 'RO_REDIS_AUTH';

/** The local Redis lives and may serve, and nobody could fence it: the Lease stays where it is. */
export function keepWhileLockedOut(turn: Turn, detail: string): void {
  const problem = `${LOCKED_OUT}: the local Redis does not let its agent in: ${detail}`;
  turn.s.problem = problem;
  turn.say(problem);
  renewIfDue(turn);
}
