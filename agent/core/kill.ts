// --kill-frozen: a Redis that hangs is killed once another may lead. When it went on, it would first
// acknowledge what its clients had queued on open sockets, and read our limbo behind that (DESIGN 5).

import type { AgentState } from './model.ts';
import type { Turn } from './turn.ts';
import { leaseOf } from './view.ts';

/** In which a Redis that was only slow obeys the limbo that was asked for. */
const OBEYS_WITHIN_MS = 100;

/** Who else leads, or may lead by now, in words; null: nobody who is known of. */
function otherLeader(state: AgentState): string | null {
  const lease = leaseOf(state);
  const { agentId, uid } = state.config.self;
  if (lease === null) return null;
  if (lease.holder !== null && lease.holder.agentId !== agentId) {
    return `${lease.holder.pod} holds the Lease`;
  }
  // Given away without an answer, or not renewed in time; where there is nobody else, nobody took it.
  const isUnheard = lease.holder !== null && (state.unsure || state.now >= state.validUntil);
  const isOther = lease.record.candidates.some((candidate) => candidate.uid !== uid);
  return isUnheard && isOther ? 'the Lease may be held by another' : null;
}

/** While it is fenced in vain: never what loads, is no master, was released to nobody or is only slow. */
export function killIfFrozen(turn: Turn): void {
  const { s } = turn;
  const { redis, config } = s;
  if (!config.killsFrozen || s.killFault !== null || redis === null || redis.reachable) return;
  const { last, since, refused, locked } = redis;
  if (refused || locked || last === null || last.role !== 'master' || last.loading) return;
  const isFrozen = s.now - since >= config.redisTimeoutMs;
  if (!isFrozen || turn.elapsedMs() < OBEYS_WITHIN_MS || s.killAsked === last.runId) return;
  const why = otherLeader(s);
  if (why === null) return;
  turn.kill(last.runId, `the local Redis is frozen, and ${why}: killing it`);
}

/** What a frozen Redis may do although it was to be killed, or nothing. */
export function killWeakness({ config, killFault }: AgentState): readonly string[] {
  if (!config.killsFrozen || killFault === null) return [];
  return [`RO_KILL_UNAVAILABLE: --kill-frozen is not in force: ${killFault}`];
}
