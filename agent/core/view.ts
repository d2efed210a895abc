// Questions that several rows of the table ask of the state. Pure; nothing here decides.

import { ineligibility, type Member, ranking } from './election.ts';
import { compareFreshness, hasData, positionOf, recordedPosition } from './lineage.ts';
import type {
  AgentState,
  Candidate,
  GroupRecord,
  Instance,
  LeaseView,
  LineageEntry,
  Mirror,
  Peer,
  PodView,
  TermEntry,
} from './model.ts';

/** Peers send a heartbeat every 500 ms; three missed ones are silence. */
export const PEER_LIVE_MS = 1500;
/** A candidate whose stream is silent for so long is no candidate any more (DESIGN 4). */
export const PRUNE_AFTER_MS = 3000;
/** Nobody listens to more; a group is far smaller. */
export const PEERS_MAX = 100;
/** `REPLICAOF 127.0.0.1 1`: read-only, replicating from nobody. */
export const LIMBO = { host: '127.0.0.1', port: 1 } as const;

export const EMPTY_RECORD: GroupRecord = {
  protocol: 1,
  candidates: [],
  goal: null,
  decided: false,
  basisMs: null,
  previous: null,
  lineage: [],
  datasets: {},
  history: [],
  answered: null,
};

export function isLimbo(instance: Instance): boolean {
  const { upstream } = instance;
  return (
    instance.role === 'replica' && upstream?.host === LIMBO.host && upstream.port === LIMBO.port
  );
}

export function localInstance(state: AgentState): Instance | null {
  return state.redis?.reachable === true ? state.redis.instance : null;
}

export function leaseOf(state: AgentState): LeaseView | null {
  return state.lease.kind === 'present' ? state.lease.lease : null;
}

/** The Lease, or what it said before somebody deleted it. */
function lastLease(state: AgentState): LeaseView | null {
  return state.lease.kind === 'absent' ? state.lease.last : leaseOf(state);
}

export function selfPod(state: AgentState): PodView | null {
  return state.pods?.find((pod) => pod.uid === state.config.self.uid) ?? null;
}

/** The pod that has this address, or null. One that ended shows its old one, which others may have. */
export function podAt(state: AgentState, address: string): PodView | null {
  return state.pods?.find(({ ip, terminal }) => ip === address && !terminal) ?? null;
}

/** Has an agent: its container says so, or it speaks to us (agents may run beside a pod). */
export function isManaged(state: AgentState, pod: PodView): boolean {
  return pod.managed || pod.uid === state.config.self.uid || state.peers.has(pod.uid);
}

/** Also where the pod's object is gone, deleted by force: its processes are about to end. */
export function isLeaving(state: AgentState): boolean {
  if (state.terminating) return true;
  return state.pods !== null && selfPod(state)?.leaving !== false;
}

/**
 * 0, not to be promoted, also where its settings forbid it, and for a while after this Redis did not let
 * itself be promoted: others come first, and where there are none it is asked again.
 */
export function priorityOf(state: AgentState, instance: Instance): number {
  const REFUSAL_MIN_MS = 1000;
  const REFUSAL_MAX_MS = 60_000;
  const { promoteFailures, promoteFailedAt, now } = state;
  const refusalMs = Math.min(REFUSAL_MAX_MS, REFUSAL_MIN_MS * 2 ** Math.min(promoteFailures, 10));
  const isRefusing = promoteFailures > 0 && now - promoteFailedAt < refusalMs;
  return isRefusing || isUnfit(state, instance) ? 0 : instance.priority;
}

/** A master that nobody else reaches is of use only where there is nobody else. */
function isUnfit({ pods, config }: AgentState, { obstacle }: Instance): boolean {
  if (obstacle?.kind !== 'hidden') return obstacle?.kind === 'denied';
  return pods === null || pods.some(({ uid, terminal }) => uid !== config.self.uid && !terminal);
}

export function livePeers(state: AgentState): readonly Peer[] {
  return [...state.peers.values()].filter((peer) => state.now - peer.at <= PEER_LIVE_MS);
}

/** The highest term that anybody told us of: a deleted Lease cannot set it back. */
export function seenTerm(state: AgentState): number {
  // Asked at every event, several times: without a list of its own.
  let term = Math.max(0, lastLease(state)?.term ?? 0);
  for (const { report } of state.peers.values()) term = Math.max(term, report.term);
  for (const { mirror } of state.pods ?? []) term = Math.max(term, mirror.term);
  return term;
}

export type Legacy = { readonly pod: string; readonly volume: string; readonly instance: Instance };

/** Masters with keys and without agent, present or lately gone: their data must be inherited. */
export function legacies(state: AgentState): readonly Legacy[] {
  return [...state.unmanaged.values()].flatMap((probe) => {
    if (!probe.reachable) return [];
    const { instance, pod, volume } = probe;
    return instance.role === 'master' && instance.keys > 0 ? [{ pod, volume, instance }] : [];
  });
}

/** What all pods together keep of a record that was lost. */
function mirroredRecord(state: AgentState, newest: Mirror): Partial<GroupRecord> {
  const datasets = (state.pods ?? []).flatMap(({ name, mirror }) =>
    mirror.dataset === null ? [] : [[name, mirror.dataset] as const],
  );
  return {
    lineage: newest.lineage,
    datasets: Object.fromEntries(datasets),
    history: newest.opening === null ? [] : [newest.opening],
  };
}

/**
 * The group's record, as this agent knows it: that no data are of a term that it held, where it asked
 * for no promotion, is no more than its own knowledge, and is written once it leaves the term.
 */
export function recordOf(state: AgentState): GroupRecord {
  const record = toldRecord(state);
  const isNews = (entry: TermEntry): boolean => entry.unopened !== true && isUnopened(state, entry);
  if (!record.history.some(isNews)) return record;
  const history = record.history.map((entry) =>
    isNews(entry) ? { ...entry, unopened: true as const } : entry,
  );
  return { ...record, history };
}

/** A term of this pod that began while this agent ran, and in which it promoted nothing. */
function isUnopened(
  { firstTerm, promotedIn, config }: AgentState,
  { term, holder }: TermEntry,
): boolean {
  return firstTerm !== null && holder === config.self.pod && term > Math.max(firstTerm, promotedIn);
}

/** From the Lease, else from the newest mirror, else from what is adopted. */
function toldRecord(state: AgentState): GroupRecord {
  const lease = lastLease(state);
  if (lease !== null && lease.record.lineage.length > 0) return lease.record;
  const base = lease?.record ?? EMPTY_RECORD;
  const newest = (state.pods ?? [])
    .filter(({ mirror }) => mirror.lineage.length > 0)
    .toSorted((a, b) => b.mirror.term - a.mirror.term)[0];
  if (newest !== undefined) return { ...base, ...mirroredRecord(state, newest.mirror) };
  const inherited: LineageEntry[] = legacies(state).map(({ instance }) => ({
    replid: instance.replid,
    term: 0,
    start: 0,
  }));
  if (inherited.length === 0) return base;
  // A restart from an AOF loses the id: what the volume held is known all the same (rule 11).
  const datasets = Object.fromEntries(
    legacies(state).map(({ pod, volume, instance: { replid, offset, keys } }) => [
      pod,
      { volume, replid, offset, keys },
    ]),
  );
  return { ...base, lineage: inherited, datasets: { ...datasets, ...base.datasets } };
}

export function selfMember(state: AgentState): Member | null {
  const instance = localInstance(state);
  if (instance === null) return null;
  const { pod, uid, volume } = state.config.self;
  return {
    ...instance,
    pod,
    uid,
    volume,
    // In limbo, or without any upstream, no sync can be in progress.
    syncing: instance.syncing && !isLimbo(instance),
    priority: priorityOf(state, instance),
    leaving: isLeaving(state),
    protocol: state.config.protocol,
  };
}

export function peerMember(peer: Peer): Member | null {
  const { instance, podName, podUID, volume, leaving, protocol, role } = peer.report;
  if (instance === null) return null;
  return {
    ...instance,
    pod: podName,
    uid: podUID,
    volume,
    leaving,
    protocol,
    syncing: instance.syncing && role !== 'limbo',
    startedEpochMs: peer.startedEpochMs,
  };
}

export function heardMembers(state: AgentState): readonly Member[] {
  const self = selfMember(state);
  const peers = livePeers(state).flatMap((peer) => peerMember(peer) ?? []);
  return self === null ? peers : [self, ...peers];
}

/** Pods that run and have an agent, ours included. */
export function expectedPods(state: AgentState): readonly PodView[] {
  return (state.pods ?? []).filter(
    (pod) => isManaged(state, pod) && !pod.terminal && !pod.leaving && pod.ip !== null,
  );
}

/** Names of expected members that have not reported a Redis that answers. */
export function unheardMembers(state: AgentState): readonly string[] {
  const heard = new Set(heardMembers(state).map((member) => member.uid));
  return expectedPods(state)
    .filter((pod) => !heard.has(pod.uid))
    .map((pod) => pod.name);
}

function loadedMembers(members: readonly Member[]): readonly Member[] {
  return members.filter((member) => !member.loading);
}

/** A missing pod whose volume holds fresher data than the best that is here, or null. */
function missingFresher(state: AgentState, best: Member): string | null {
  const record = recordOf(state);
  const bestPosition = positionOf(best, record);
  if (bestPosition === null) return null;
  // One that loads shows neither its keys nor its offset yet: only the record tells.
  const heard = new Set(loadedMembers(heardMembers(state)).map((member) => member.pod));
  for (const [pod, entry] of Object.entries(record.datasets)) {
    // A volume that is not claimed (emptyDir) is named by its pod's UID and died with it.
    const isClaimed = entry.volume.startsWith('pvc/');
    if (heard.has(pod) || !isClaimed || state.goneVolumes.has(entry.volume)) continue;
    if (compareFreshness(recordedPosition(pod, entry, best, record), bestPosition) < 0) return pod;
  }
  return null;
}

/** Whether absent volumes had their time, by `--missing-data=proceed`: nobody came for a whole wait. */
function mayProceed({ config, now, podsChangedAt }: AgentState): boolean {
  return config.proceedsWithoutMissing && now - podsChangedAt >= config.timing.waitMs;
}

/** A missing pod whose fresher data are waited for, or null. */
export function awaitedVolume(state: AgentState, best: Member): string | null {
  return mayProceed(state) ? null : missingFresher(state, best);
}

/** What a promotion of `best` gives up for good, as the end of a sentence, or nothing. */
export function leftBehind(state: AgentState, best: Member): string {
  const missing = mayProceed(state) ? missingFresher(state, best) : null;
  return missing === null
    ? ''
    : `, without the fresher data of ${missing} (--missing-data=proceed)`;
}

export function isHolder(state: AgentState): boolean {
  return leaseOf(state)?.holder?.agentId === state.config.self.agentId;
}

/** Somebody else holds the Lease, or a later term than the held one was seen. */
export function isForeign(state: AgentState): boolean {
  const lease = leaseOf(state);
  if (lease === null) return false;
  return !isHolder(state) || seenTerm(state) > lease.term;
}

/** Who speaks a newer protocol than this agent, or null: such a group is not led by guesses. */
export function newerProtocol(state: AgentState): string | null {
  const { protocol } = state.config;
  if ((leaseOf(state)?.record.protocol ?? 0) > protocol) return "the group's record";
  const newer = livePeers(state).find(({ report }) => report.protocol > protocol);
  return newer?.report.podName ?? null;
}

export function isValid(state: AgentState): boolean {
  return state.now < state.validUntil;
}

export function candidateOf(state: AgentState): Candidate | null {
  const { uid } = state.config.self;
  return leaseOf(state)?.record.candidates.find((candidate) => candidate.uid === uid) ?? null;
}

/** Why this member is none of those that are ranked. */
export function whyUnfit(state: AgentState, member: Member): string {
  const record = recordOf(state);
  const why = ineligibility(member, record, state.config, lastKnownOffset(record));
  return why ?? 'it has no data, and others have';
}

export function unfitness(state: AgentState, member: Member): string {
  return `${member.pod} may not be master: ${whyUnfit(state, member)}`;
}

/** The furthest offset under the newest id of which the record knows one: lag is measured from it. */
function lastKnownOffset({ lineage, datasets }: GroupRecord): number | null {
  const entries = Object.values(datasets);
  const newest = lineage.findLast((id) => entries.some(({ replid }) => replid === id.replid));
  const offsets = entries.filter(({ replid }) => replid === newest?.replid);
  return offsets.length === 0 ? null : Math.max(...offsets.map(({ offset }) => offset));
}

/** The eligible of these members, best first, by the group's record and the configured policy. */
export function rank(state: AgentState, members: readonly Member[]): readonly Member[] {
  const record = recordOf(state);
  const ranked = ranking(members, record, state.config, lastKnownOffset(record));
  // Rule 14: an empty member may lead only where no volume can still hold data, and nobody has any.
  const isDataThere = hasDataElsewhere(state, members) || unknownData(state, members).length > 0;
  if (!isDataThere) return ranked;
  return ranked.filter((member) => hasData(positionOf(member, record)));
}

/** Members with keys that nobody knows to be the group's, and that nobody allowed to be discarded. */
export function unknownData(state: AgentState, members: readonly Member[]): readonly Member[] {
  const record = recordOf(state);
  const isDiscarded = ({ uid, replid }: Member): boolean =>
    state.pods?.find((pod) => pod.uid === uid)?.discardData === replid;
  return members.filter(
    (member) => member.keys > 0 && positionOf(member, record) === null && !isDiscarded(member),
  );
}

/** Whether a recorded dataset with keys belongs to nobody here, and its volume may exist. */
function hasDataElsewhere(state: AgentState, members: readonly Member[]): boolean {
  const here = new Set(loadedMembers(members).map((member) => member.pod));
  const uids = new Set((state.pods ?? []).filter((pod) => !pod.terminal).map((pod) => pod.uid));
  return Object.entries(recordOf(state).datasets).some(([pod, { volume, keys }]) => {
    if (keys === 0 || here.has(pod)) return false;
    return volume.startsWith('pvc/') ? !state.goneVolumes.has(volume) : uids.has(volume);
  });
}

export function rankedMembers(state: AgentState): readonly Member[] {
  return rank(state, heardMembers(state));
}

/** The peer's instance stopped in this term or a later one: its offset is final. */
export function isFrozenIn(peer: Peer, term: number): boolean {
  return (peer.report.frozenTerm ?? -1) >= term;
}

/** Every candidate that is still there was heard: whatever is best of those that are, is best of all. */
export function areAllHeard(state: AgentState): boolean {
  const live = new Set(livePeers(state).map(({ report }) => report.podUID));
  const here = new Set((state.pods ?? []).filter((pod) => !pod.terminal).map(({ uid }) => uid));
  return recordOf(state).candidates.every(
    ({ uid }) => uid === state.config.self.uid || !here.has(uid) || live.has(uid),
  );
}
