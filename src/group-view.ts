// The one picture of a group for every door: /state, command line and page. Pure; every sentence in it is
// said once, here or by the core.

import { bytesText } from './figures.ts';
import type {
  ElectionKind,
  GroupFacts,
  LeaseFacts,
  MemberFacts,
  Successor,
  Term,
} from './group-facts.ts';
import { memberState, memberTrouble } from './member-state.ts';
import type { PauseReport, RouteReport } from './wire.ts';

export type Health = 'healthy' | 'degraded' | 'critical';

export type MemberView = {
  readonly pod: string;
  readonly uid: string;
  readonly address: string | null;
  readonly node: string | null;
  readonly role: string;
  readonly state: string;
  readonly offset: number | null;
  /** Bytes behind the master; null for the master, and where one of both is not known. */
  readonly behindBytes: number | null;
  /** 1: takes over first; null: not at all, by `problem`. */
  readonly next: number | null;
  readonly problem: string | null;
};

export type GroupView = {
  readonly namespace: string;
  readonly group: string;
  /** ISO time of the look. */
  readonly at: string;
  readonly health: Health;
  /** One sentence. */
  readonly summary: string;
  readonly master: {
    readonly pod: string;
    readonly term: number;
    /** ISO time, or empty where the record does not tell it. */
    readonly since: string;
    readonly reason: string;
  } | null;
  readonly lease: Pick<LeaseFacts, 'holder' | 'term' | 'ageMs' | 'waitMs' | 'profile'> | null;
  readonly paused: PauseReport | null;
  readonly route: readonly RouteReport[];
  readonly members: readonly MemberView[];
  /** What happens if the master is lost now. */
  readonly prediction: string;
  /** The newest last. */
  readonly history: readonly Term[];
  readonly lastChange: {
    readonly from: string | null;
    readonly to: string;
    readonly term: number;
    readonly at: string;
    readonly reason: string;
    /** Null: not known any more. */
    readonly kind: ElectionKind | null;
    /** Milliseconds: of a planned change those without writes, else those of the election; null: not known any more. */
    readonly pauseMs: number | null;
    /** Of the stream of the master before; null: not known. */
    readonly lostBytes: number | null;
    /** The same in words; null: nobody was deposed. */
    readonly lost: string | null;
  } | null;
  readonly warnings: readonly { readonly pod: string | null; readonly text: string }[];
};

/** A crashed Redis: its own agent names the successor (docs/scenarios.md). */
const CRASH_SECONDS = 0.1;

const STRAY = 'it is a master that nobody elected';

/** Phases in which an agent is about to open its master, or to hand it over. */
const ELECTED: ReadonlySet<string> = new Set(['Deciding', 'Promoting', 'HandingOver']);

/** Who takes over from whom cannot be told. */
const SPLIT =
  'More than one Redis takes writes: the agents put all but the holder of the Lease into limbo';

export function groupView(facts: GroupFacts): GroupView {
  const { namespace, group, at, paused, route } = facts;
  const masters = facts.members.filter(isOpenMaster);
  const master = masters[0] ?? null;
  const lease = facts.lease;
  const warnings = warningsOf(facts, masters);
  const health = healthOf(facts, masters, warnings.length);
  const isSplit = isSplitBrain(facts, masters);
  return {
    namespace,
    group,
    at,
    health,
    summary: summaryOf(facts, masters),
    master: master === null ? null : masterView(master, lease),
    lease: lease === null ? null : leaseView(lease),
    paused,
    route,
    members: membersOf(facts, master),
    prediction: isSplit ? SPLIT : predictionOf(facts, master),
    history: lease?.history ?? [],
    lastChange: lastChangeOf(facts),
    warnings,
  };
}

/** Without an open master a stray one is no rival: why there is none is told. */
function isSplitBrain({ members }: GroupFacts, masters: readonly MemberFacts[]): boolean {
  return masters.length > 1 || (masters.length === 1 && strayPods(members).length > 0);
}

function leaseView({ holder, term, ageMs, waitMs, profile }: LeaseFacts): GroupView['lease'] {
  return { holder, term, ageMs, waitMs, profile };
}

function isOpenMaster({ report, isHeard }: MemberFacts): boolean {
  return isHeard && report?.isMaster === true;
}

/** Takes writes without having been elected; one that is being promoted is guarded. */
function isStray({ report, isHeard }: MemberFacts): boolean {
  // One that does not let itself be put into limbo takes writes while its agent decides.
  const isDisobedient = report?.state === 'Deciding' && report.problem !== null;
  const isElected =
    report?.isMaster === true || (ELECTED.has(report?.state ?? '') && !isDisobedient);
  return isHeard && report?.role === 'master' && report.instance !== null && !isElected;
}

function strayPods(members: readonly MemberFacts[]): readonly string[] {
  return members.filter(isStray).map(({ pod }) => pod);
}

/** It leads by the word of its peers alone. */
function isInFailsafe({ report }: MemberFacts): boolean {
  return (report?.failsafeRound ?? 0) > 0;
}

/** Why it does: an API server that says no is mended in another way than one that says nothing. */
function failsafeCause({ report }: MemberFacts): string {
  const isDenied = report?.problem?.startsWith('RO_KUBE_DENIED') === true;
  return isDenied ? 'the API server refuses the agents' : 'the API server is silent';
}

function takesWrites({ report }: MemberFacts): boolean {
  return (report?.instance?.unwritable ?? null) === null;
}

function masterView(member: MemberFacts, lease: LeaseFacts | null): GroupView['master'] {
  const term = lease?.term ?? member.report?.term ?? 0;
  const entry = lease?.history.findLast(({ holder }) => holder === member.pod);
  return { pod: member.pod, term, since: entry?.at ?? '', reason: entry?.reason ?? '' };
}

/** The master first, then whoever takes over first. */
function membersOf(facts: GroupFacts, master: MemberFacts | null): readonly MemberView[] {
  const places = eligible(facts).map(({ pod }) => pod);
  const placeOf = (member: MemberFacts): number => {
    if (member.uid === master?.uid) return -1;
    const place = places.indexOf(member.pod);
    return place < 0 ? places.length : place;
  };
  return facts.members
    .toSorted((a, b) => placeOf(a) - placeOf(b) || (a.pod < b.pod ? -1 : 1))
    .map((member) => memberView(facts, member, master, places));
}

function memberView(
  { succession }: GroupFacts,
  member: MemberFacts,
  master: MemberFacts | null,
  places: readonly string[],
): MemberView {
  const { pod, uid, address, node, report } = member;
  const isMaster = uid === master?.uid;
  const place = places.indexOf(pod);
  const offset = report?.offset ?? null;
  const ahead = master?.report?.offset ?? null;
  const isBehindKnown = !isMaster && offset !== null && ahead !== null;
  const unfit = succession.find((each) => each.pod === pod)?.problem ?? null;
  return {
    pod,
    uid,
    address,
    node,
    ...memberState(member),
    offset,
    behindBytes: isBehindKnown ? Math.max(0, ahead - offset) : null,
    next: isMaster || place < 0 ? null : place + 1,
    problem: memberTrouble(member) ?? (isMaster ? null : isStray(member) ? STRAY : unfit),
  };
}

/** In their order; a stray master comes back to its place once it is one no more. */
function eligible({ succession, members }: GroupFacts): readonly Successor[] {
  const strays = strayPods(members);
  return succession.filter(({ pod, problem }) => problem === null && !strays.includes(pod));
}

function healthOf(facts: GroupFacts, masters: readonly MemberFacts[], warnings: number): Health {
  const writable = masters.filter(takesWrites);
  if (writable.length !== 1 || isSplitBrain(facts, masters)) return 'critical';
  return warnings > 0 || facts.paused !== null ? 'degraded' : 'healthy';
}

function summaryOf(facts: GroupFacts, masters: readonly MemberFacts[]): string {
  const [master, ...others] = masters;
  if (master === undefined) return `no master: ${whyNone(facts)}`;
  if (others.length > 0) return `split brain: ${masters.map(({ pod }) => pod).join(' and ')} lead`;
  const strays = strayPods(facts.members);
  if (strays.length > 0) {
    const verb = strays.length === 1 ? 'is a master as well' : 'are masters as well';
    return `split brain: ${master.pod} leads, and ${strays.join(' and ')} ${verb}`;
  }
  if (isInFailsafe(master)) return `${failsafeCause(master)}: no failover`;
  if (!takesWrites(master)) return `${master.pod} is master and refuses writes`;
  if (facts.paused !== null) return `failover is paused by ${facts.paused.by}`;
  if (eligible(facts).length > 0) return 'failover possible';
  return facts.members.length === 1 ? 'one pod alone: no failover' : 'no replica can take over';
}

/** The sentence of whoever decides, or of whoever waits. */
function whyNone({ lease, members }: GroupFacts): string {
  const heard = members.filter(({ isHeard }) => isHeard);
  if (heard.length === 0) return 'no agent was heard';
  const holder = members.find(({ uid }) => uid === lease?.holderUid);
  if (lease?.holder == null) return 'nobody holds the Lease';
  if (holder === undefined) return `${lease.holder} holds the Lease, and its pod is gone`;
  if (!holder.isHeard) return `${holder.pod} holds the Lease, and its agent is silent`;
  const { lastDecision = null, state = 'unknown' } = holder.report ?? {};
  return `${holder.pod} holds the Lease and does not lead: ${lastDecision?.reason ?? state}`;
}

function predictionOf(facts: GroupFacts, master: MemberFacts | null): string {
  const first = eligible(facts)[0];
  if (master !== null && isInFailsafe(master)) {
    return `If ${master.pod} crashes: nobody takes over while ${failsafeCause(master)}`;
  }
  if (master === null) {
    if (facts.paused === null) return 'Nobody leads: who is next is decided now';
    return `Nobody takes over until ${facts.paused.until}, or until somebody resumes`;
  }
  const lost = `If ${master.pod} crashes`;
  if (facts.paused !== null) {
    const till = `nobody takes over until ${facts.paused.until}`;
    return `${lost}: ${till}, unless it comes back with older data than another one`;
  }
  if (first === undefined) return `${lost}: nobody takes over; writes wait until it is back`;
  const waitSeconds = (facts.lease?.waitMs ?? 0) / 1000;
  return `${lost}: ${first.pod} takes over, ~${CRASH_SECONDS} s (its node lost: up to ~${waitSeconds} s)`;
}

function lastChangeOf(facts: GroupFacts): GroupView['lastChange'] {
  const { lease, promotion } = facts;
  const last = lease?.history.at(-1);
  if (lease === null || last === undefined) return null;
  const opened = new Set(lease.opened);
  const before = lease.history.findLast(({ term }) => term < last.term && opened.has(term));
  const { holder, term, at, reason, details } = last;
  const from = before?.holder ?? null;
  // Only a master's own agent knows it before the record does.
  const timed = promotion?.term === term ? promotion : details;
  const kind = timed?.kind ?? null;
  const pauseMs = kind === 'cold' ? null : (timed?.pauseMs ?? null);
  // Who was asked to hand over leads no more before its successor has all of it (rules 3 and 4).
  const untold = kind === 'planned' ? 0 : null;
  const lostBytes = details?.lostBytes ?? lostBy(facts, from, term) ?? untold;
  const lost = from === null || from === holder ? null : lossText(facts, from, lostBytes);
  return { from, to: holder, term, at, reason, kind, pauseMs, lostBytes, lost };
}

/** As the one before tells it itself, until the record does. */
function lostBy({ members }: GroupFacts, from: string | null, term: number): number | null {
  const lost = members.find(({ pod, isHeard }) => pod === from && isHeard)?.report?.lost;
  return lost?.term === term ? lost.bytes : null;
}

/** Only who was master knows what it had beyond its successor, and tells it when it attaches. */
function lossText({ members }: GroupFacts, from: string, lostBytes: number | null): string {
  if (lostBytes !== null) return `lost ${bytesText(lostBytes)}`;
  const old = members.find(({ pod }) => pod === from);
  const isBack = old?.isHeard === true && old.report?.inSync === true;
  if (isBack) return `what ${from} had beyond it is not known`;
  return `what was lost is not known until ${from} is back`;
}

function warningsOf(facts: GroupFacts, masters: readonly MemberFacts[]): GroupView['warnings'] {
  const { lease, members, route } = facts;
  const own = members.flatMap((member) => {
    const texts = [memberTrouble(member), ...(member.report?.weaknesses ?? [])];
    return texts.flatMap((text) => (text === null ? [] : [{ pod: member.pod, text }]));
  });
  const wrongRoutes = route.filter(({ ok }) => !ok);
  const labelled = members.filter(({ hasMasterLabel }) => hasMasterLabel);
  const isUnlabelled = masters.length === 1 && labelled[0]?.uid !== masters[0]?.uid;
  const isLonely = members.length > 1 && eligible(facts).length === 0 && masters.length === 1;
  const about = (text: string): { pod: null; text: string } => ({ pod: null, text });
  return [
    ...(isSplitBrain(facts, masters) ? [about('more than one Redis takes writes')] : []),
    ...(lease === null ? [about('the group has no Lease')] : []),
    ...(labelled.length > 1 || isUnlabelled
      ? [about('the label redis-role=master is not on the master alone')]
      : []),
    ...masters.filter(isInFailsafe).map((master) => about(failsafeCause(master))),
    ...(isLonely ? [about('no replica can take over')] : []),
    ...wrongRoutes.map(({ service, detail }) => about(`service ${service}: ${detail}`)),
    ...own,
  ];
}
