// What the holder writes into the Lease's record: candidates, datasets, lineage.

import type { Member } from './election.ts';
import { extendLineage, isNewest, isNone, isOfLineage, isOlderFile } from './lineage.ts';
import type {
  AgentState,
  Candidate,
  DatasetEntry,
  GroupRecord,
  Instance,
  LineageEntry,
  Peer,
} from './model.ts';
import { withOutcomes } from './term-details.ts';
import {
  heardMembers,
  leaseOf,
  livePeers,
  localInstance,
  PEERS_MAX,
  PRUNE_AFTER_MS,
  recordOf,
} from './view.ts';

/** Of members that are here or gone; those who are here are never left out: they could not attach. */
const DATASETS_MAX = 50;
/** This pod and everybody it can hear. */
const CANDIDATES_MAX = PEERS_MAX + 1;

export function isSynced(peer: Peer, replid: string): boolean {
  return peer.report.inSync && peer.report.instance?.replid === replid;
}

/** Who may acquire next: linked and synced members, and old ones that are not silent yet (rule 22). */
function nextCandidates(state: AgentState): readonly Candidate[] {
  const self = localInstance(state);
  if (self === null) return recordOf(state).candidates;
  const { pod, uid, address } = state.config.self;
  const own: Candidate = { pod, uid, address, runId: self.runId };
  const linked = livePeers(state)
    .filter((peer) => isSynced(peer, self.replid) && !peer.report.leaving)
    .map(
      ({ report }): Candidate => ({
        pod: report.podName,
        uid: report.podUID,
        address: report.podIP,
        runId: report.instance?.runId ?? '',
      }),
    );
  const known = new Set([uid, ...linked.map((candidate) => candidate.uid)]);
  const existing = new Set((state.pods ?? []).filter((p) => !p.terminal).map((p) => p.uid));
  const kept = recordOf(state).candidates.filter((candidate) => {
    if (known.has(candidate.uid) || !existing.has(candidate.uid)) return false;
    const peer = state.peers.get(candidate.uid);
    const isSilent = peer === undefined || state.now - peer.at > PRUNE_AFTER_MS;
    // With no other live candidate the failsafe would ask nobody: keep the silent one (rule 20).
    return !isSilent || linked.length === 0;
  });
  return [own, ...linked, ...kept].slice(0, CANDIDATES_MAX);
}

/** Whether this very process opened writes in the present term: one that restarted since did not. */
function isOpened(state: AgentState): boolean {
  const { opened } = state;
  return (
    opened !== null &&
    opened.term === leaseOf(state)?.term &&
    opened.runId === localInstance(state)?.runId
  );
}

/**
 * Members whose data show by themselves that they are the group's. A foreign dataset is never
 * recorded (I8), and one whose id Redis forgot keeps the entry that tells what it held.
 */
function recordableMembers(state: AgentState, record: GroupRecord): readonly Member[] {
  // What loads shows no keys yet: nobody knows whose data they will be. And what a volume held stays
  // known until somebody leads without it: by that an older file is told from the others.
  const isOpen = isOpened(state);
  return heardMembers(state).filter(
    (member) =>
      !member.loading && isOfLineage(member, record) && (isOpen || !isOlderFile(member, record)),
  );
}

/** What each member holds, as far as its descent is known from this record. */
export function nextDatasets(
  state: AgentState,
  record: GroupRecord,
): Readonly<Record<string, DatasetEntry>> {
  const datasets = new Map(Object.entries(record.datasets));
  const members = recordableMembers(state, record);
  for (const member of members) {
    datasets.delete(member.pod);
    datasets.set(member.pod, {
      volume: member.volume,
      replid: member.replid,
      offset: member.offset,
      keys: member.keys,
    });
  }
  return Object.fromEntries([...datasets].slice(-Math.max(DATASETS_MAX, members.length)));
}

/** Whether a live member is not recorded with its present volume: it may not attach before. */
export function hasUnrecordedMember(state: AgentState): boolean {
  const record = recordOf(state);
  return recordableMembers(state, record).some(
    ({ pod, volume }) => record.datasets[pod]?.volume !== volume,
  );
}

/** Whether a synced member is not yet a candidate. */
export function hasNewCandidate(state: AgentState): boolean {
  const listed = recordOf(state).candidates;
  return nextCandidates(state).some(
    ({ uid, runId }) => !listed.some((old) => old.uid === uid && old.runId === runId),
  );
}

/** The record of a renewal; the newest lineage id is the open master's. */
export function renewedRecord(state: AgentState): Partial<GroupRecord> {
  const { opened } = state;
  const instance = localInstance(state);
  const record = recordOf(state);
  if (opened === null || instance === null || !isOpened(state)) {
    // Valid by its own renewal from now on, no longer by the report that named it.
    return { datasets: nextDatasets(state, record), basisMs: null };
  }
  const { lineage } = record;
  const renewed = isNewest(record, opened) ? lineage : withPromoted(lineage, opened, instance);
  return {
    // By the lineage that is written along: else what this instance holds under a new id would
    // be recorded a whole renewal later, and be lost where the group ends before.
    datasets: nextDatasets(state, { ...record, lineage: renewed }),
    candidates: nextCandidates(state),
    // The goal is void once writes were opened (rule 4).
    goal: null,
    previous: null,
    basisMs: null,
    history: withOutcomes(state),
    lineage: renewed,
  };
}

/**
 * The lineage that whoever comes next must know: with the id that was opened in this term, also where its Redis
 * ended before a renewal could tell it.
 */
export function lineageToLeave(state: AgentState): readonly LineageEntry[] {
  const { opened, redis } = state;
  const record = recordOf(state);
  const isOfTerm = opened !== null && opened.term === leaseOf(state)?.term;
  if (!isOfTerm || isNewest(record, opened)) return record.lineage;
  const last = redis?.reachable === false ? redis.last : localInstance(state);
  if (last !== null && last.runId === opened.runId) {
    return withPromoted(record.lineage, opened, last);
  }
  return extendLineage(record.lineage, { replid: opened.replid, term: opened.term, start: 0 });
}

/** The id under which the dataset went before comes along: other members may still have it. */
function withPromoted(
  lineage: readonly LineageEntry[],
  opened: { readonly term: number; readonly replid: string },
  { replid2, secondOffset, offset }: Instance,
): readonly LineageEntry[] {
  const isKnown = isNone(replid2) || lineage.some((entry) => entry.replid === replid2);
  const parents = isKnown
    ? lineage
    : extendLineage(lineage, { replid: replid2, term: 0, start: 0 });
  const start = secondOffset > 0 ? secondOffset : offset;
  return extendLineage(parents, { replid: opened.replid, term: opened.term, start });
}
