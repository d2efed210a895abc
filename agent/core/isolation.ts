// --isolation: an open master acknowledges only while a replica does, so that one that is cut off alone
// stops by itself, also where its agent is dead (DESIGN 5). Never at the price of a failover's time: it is
// in force from the first replica in sync on; and never where a group is too small for it.

import type { AgentState } from './model.ts';
import { isSynced } from './record.ts';
import type { Turn } from './turn.ts';
import { isManaged, livePeers, localInstance } from './view.ts';

/** Of two, each end of a cut would wait for the other. */
const MEMBERS_MIN = 3;
/** A pod that is replaced is missing for less. */
const SMALL_GROUP_MS = 3000;
const RETRY_MS = 1000;
const REFUSING = 'RO_ISOLATED';

/** Pods with an agent, also those that do not run yet, or whose node is silent: they are to come back. */
function memberCount(state: AgentState): number {
  return (state.pods ?? []).filter((pod) => isManaged(state, pod) && !pod.terminal).length;
}

function hasReplicaInSync(state: AgentState): boolean {
  const replid = localInstance(state)?.replid;
  return replid !== undefined && livePeers(state).some((peer) => isSynced(peer, replid));
}

/** Why an open master is not to be isolated now, or null. */
function objection(state: AgentState): string | null {
  const members = memberCount(state);
  const isSettled = state.now - state.podsChangedAt >= SMALL_GROUP_MS;
  if (members < MEMBERS_MIN && (isSettled || !state.isIsolated)) {
    return `it needs ${MEMBERS_MIN} members, and the group has ${members}`;
  }
  // Once in force it stays: what it is for is the master that lost its replicas.
  if (!state.isIsolated && !hasReplicaInSync(state)) return 'no replica is in sync yet';
  return null;
}

/** Puts the isolation of the open master in force, or lifts it. */
export function keepIsolation(turn: Turn): void {
  const { s } = turn;
  if (!s.config.isolates) return;
  tellRefusal(turn);
  const isBusy = s.pendingRedis !== null || s.isGuarded;
  if (isBusy || s.now - s.redisFailedAt < RETRY_MS) return;
  const why = objection(s);
  const isolated = why === null;
  if (isolated === s.isIsolated) return;
  turn.open({ isolated });
  turn.say(isolated ? 'isolated: writes need a replica from now on' : `not isolated: ${why}`);
}

function tellRefusal(turn: Turn): void {
  const { s } = turn;
  if (s.isIsolated && !hasReplicaInSync(s)) {
    if (s.problem !== null) return;
    s.problem = `${REFUSING}: this master acknowledges no write until a replica is in sync with it (--isolation)`;
    turn.say(s.problem);
  } else if (s.problem?.startsWith(REFUSING) === true) s.problem = null;
}

/** What an open master lacks of the isolation that was asked for, or nothing. */
export function isolationWeakness(state: AgentState): readonly string[] {
  const { config, phase, isIsolated } = state;
  if (!config.isolates || phase !== 'Leading' || isIsolated) return [];
  return [`--isolation is not in force: ${objection(state) ?? 'it is being set'}`];
}
