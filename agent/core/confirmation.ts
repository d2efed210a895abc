// --confirmed-by n: a write that a client saw confirmed by `WAIT n` survives (I6; DESIGN 6.4). Of R replicas
// at least n had it: among any R - n + 1 of them is one that has it, and the freshest of those leads.

import { FORCE_ANNOTATION } from '../../src/names.ts';
import { isForced, named } from './acquire.ts';
import { isFresher, lastOpening } from './lineage.ts';
import type { AgentState } from './model.ts';
import { silentMembers } from './silent-members.ts';
import { type Turn, UNDECIDED } from './turn.ts';
import { isFrozenIn, livePeers, localInstance, recordOf, selfMember } from './view.ts';

/** Of the problem of a holder that waits for members which may hold confirmed writes. */
const UNCONFIRMED = 'RO_UNCONFIRMED';
/** Live peers freeze within so long: before that there is nothing to tell. */
const FREEZING_MS = 300;

/** Pods that may have confirmed writes: candidates, and whoever was recorded in order to attach (rule 12). */
function confirmers(state: AgentState): ReadonlySet<string> {
  const record = recordOf(state);
  const attached = (state.pods ?? []).filter(
    ({ name, volume, terminal }) => !terminal && record.datasets[name]?.volume === volume,
  );
  return new Set([...record.candidates.map(({ pod }) => pod), ...attached.map(({ name }) => name)]);
}

/** Run ids of the instances whose offsets are final in this term, by pod. */
function finalRunIds(state: AgentState, term: number): ReadonlyMap<string, string> {
  const own = localInstance(state);
  const runIds = new Map(own === null ? [] : [[state.config.self.pod, own.runId]]);
  for (const peer of livePeers(state)) {
    const { instance, podName } = peer.report;
    if (instance !== null && !instance.loading && isFrozenIn(peer, term)) {
      runIds.set(podName, instance.runId);
    }
  }
  // One that this agent put into limbo is as good as frozen, unless it has what is missing here.
  const self = selfMember(state);
  for (const member of silentMembers(state)) {
    const isCovered = self !== null && !isFresher(member, self, recordOf(state));
    if (isCovered && !runIds.has(member.pod)) runIds.set(member.pod, member.runId);
  }
  return runIds;
}

/**
 * Whose final offset must still be heard before this instance, the freshest of those heard, may lead.
 * A process that restarted since it was recorded may have lost what it confirmed: it counts only where
 * everybody was heard, for then nobody is left who could tell more.
 */
function unconfirmed(state: AgentState, term: number): readonly string[] {
  const { confirmedBy } = state.config;
  const record = recordOf(state);
  if (confirmedBy === 0 || record.lineage.length === 0) return [];
  const all = confirmers(state);
  const heard = finalRunIds(state, term);
  const isWhole = (name: string): boolean =>
    record.candidates.some(({ pod, runId }) => pod === name && heard.get(name) === runId);
  const opener = lastOpening(record)?.holder ?? '';
  // Who was master has all of it.
  if (isWhole(opener)) return [];
  const replicas = [...all].filter((name) => name !== opener);
  if (replicas.filter(isWhole).length >= replicas.length - confirmedBy + 1) return [];
  return [...all].filter((name) => !heard.has(name));
}

/** Whether no write that --confirmed-by promises can be missing here, or a person answers for it. */
export function isConfirmed(turn: Turn, term: number): boolean {
  const { s } = turn;
  const absent = s.forcedTerm === term ? [] : unconfirmed(s, term);
  if (absent.length === 0) {
    if (s.problem?.startsWith(UNCONFIRMED) === true) s.problem = null;
    return true;
  }
  if (isForced(s)) {
    if (!turn.canWrite()) return false;
    s.forcedTerm = term + 1;
    const reason = `a person forced an election in term ${term}`;
    turn.writeLease('acquire', term + 1, s.config.self, UNDECIDED, reason);
    turn.say(reason);
    return false;
  }
  if (turn.elapsedMs() < FREEZING_MS) return false;
  s.problem = `${UNCONFIRMED}: ${named(absent)} may hold writes that WAIT ${s.config.confirmedBy} confirmed and that are not here: waiting; annotate the Lease with ${FORCE_ANNOTATION}=${term} to give them up`;
  turn.say(s.problem);
  return false;
}
