// Row of Boot: beside what does this agent start? And the Lease of the agent that it replaced.

import { isDenied } from './ailment.ts';
import { attachmentTo } from './attachment.ts';
import { keepWhileLockedOut } from './holding.ts';
import { isNewest } from './lineage.ts';
import type { Turn } from './turn.ts';
import {
  candidateOf,
  isHolder,
  isLimbo,
  isValid,
  leaseOf,
  localInstance,
  recordOf,
} from './view.ts';

const BOOT_PATIENCE_MS = 2000;

/** The Lease names our pod, with the id of an agent process that we replaced. */
export function holdsForPredecessor(turn: Turn): boolean {
  const holder = leaseOf(turn.s)?.holder;
  const { uid, agentId } = turn.s.config.self;
  return holder?.uid === uid && holder.agentId < agentId;
}

/** Takes the Lease over from our own predecessor; its comparison of peers is not ours (rule 17). */
export function takeOverOwn(turn: Turn): void {
  const term = leaseOf(turn.s)?.term ?? 0;
  if (!turn.canWrite()) return;
  const reason = 'the Lease names an earlier agent of this pod: taking it over';
  turn.writeLease('renew', term, turn.s.config.self, { decided: false, basisMs: null }, reason);
  turn.say(reason);
}

export function boot(turn: Turn): void {
  const { s } = turn;
  const instance = localInstance(s);
  const isPatient = s.now - s.bootedAt < BOOT_PATIENCE_MS;
  // Not even a fence that could not be taken off again: as if it had no agent.
  if (isDenied(s)) return turn.say('this Redis denies what its agent needs: it is left as it is');
  if (s.pods === null || s.lease.kind === 'unknown') {
    if (instance?.role === 'master' && s.now - s.bootedAt >= s.config.timing.fenceMs) {
      turn.limbo({ cutClients: true });
      turn.enter('Fenced', 'the API server does not answer: a master without a Lease is fenced');
    } else if (!isPatient) turn.enter('Fenced', 'the API server does not answer yet');
    return;
  }
  if (s.redis === null && isPatient) return;
  if (isHolder(s) && isValid(s)) return bootAsHolder(turn);
  // The watch may show our write before its answer, which alone gives validity.
  if (isHolder(s) || holdsForPredecessor(turn)) {
    takeOverOwn(turn);
    if (s.now - s.bootedAt > s.config.timing.fenceMs && instance?.role === 'master') {
      turn.limbo({ cutClients: true });
      turn.enter('Fenced', 'the Lease of this pod could not be renewed in time: fenced');
    }
    return;
  }
  if (instance?.role === 'master') {
    turn.limbo({ cutClients: true });
    turn.enter('Fenced', 'started beside a master that no Lease names: fenced until it is decided');
  } else if (instance !== null && !isLimbo(instance) && instance.upstream !== null) {
    s.attachment = attachmentTo(instance.upstream.host);
    turn.enter('Following', `started beside a replica of ${instance.upstream.host}`);
  } else turn.enter('Fenced', 'started: fenced until a master is known');
}

/** Our agent was replaced while its instance was master: resume it, or let the group decide. */
function bootAsHolder(turn: Turn): void {
  const { s } = turn;
  const instance = localInstance(s);
  const lease = leaseOf(s);
  const isRecorded =
    lease !== null &&
    instance?.role === 'master' &&
    candidateOf(s)?.runId === instance.runId &&
    isNewest(recordOf(s), { replid: instance.replid, term: lease.term });
  if (s.redis?.reachable === false && s.redis.locked) {
    return keepWhileLockedOut(turn, s.redis.detail);
  }
  if (isRecorded) {
    // The guard of an interrupted promotion may still be on (rule 16).
    turn.open();
    turn.enter('Promoting', 'the agent restarted beside the recorded master: resuming it');
  } else if (instance?.role === 'master') {
    turn.enter('Fencing', 'the agent restarted beside a master that the record does not know');
  } else turn.enter('Deciding', 'the agent restarted as holder: deciding anew');
}
