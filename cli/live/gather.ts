// What is known of a group, from the API server's objects and from what its agents say of themselves: the facts
// for groupView. What only an agent knows is taken from the view of the master's agent, else of another. Pure.

import type { GroupFacts, LeaseFacts, MemberFacts, Successor } from '../../src/group-facts.ts';
import type { GroupView } from '../../src/group-view.ts';
import { termOf } from '../../src/annotation-fields.ts';
import { ROLE_LABEL } from '../../src/names.ts';
import type { AgentReport } from '../../src/wire.ts';
import { hasAgent, isEnded, type LeaseRecord, type RawPod } from './raw-objects.ts';

/** What an agent answered, or why it did not. */
export type Heard =
  | { readonly report: AgentReport; readonly view: GroupView | null }
  | { readonly silence: string };

export type Sources = {
  readonly namespace: string;
  readonly group: string;
  /** By the clock of the API server, where it told. */
  readonly nowEpochMs: number;
  /** Null: there is none; undefined: it could not be read. */
  readonly lease: LeaseRecord | null | undefined;
  readonly pods: readonly RawPod[];
  readonly heard: ReadonlyMap<string, Heard>;
};

type Speaker = { readonly report: AgentReport; readonly view: GroupView };

/** The agent whose picture is taken for what only agents know. */
export function speakerOf(heard: Sources['heard']): Speaker | null {
  const all = [...heard.values()].flatMap((each) =>
    'report' in each && each.view !== null ? [{ report: each.report, view: each.view }] : [],
  );
  const [first = null] = all.toSorted(
    (a, b) =>
      Number(b.report.isMaster) - Number(a.report.isMaster) || b.report.term - a.report.term,
  );
  return first;
}

export function gather(sources: Sources): GroupFacts {
  const { namespace, group, nowEpochMs, pods, heard } = sources;
  const speaker = speakerOf(heard);
  const { view = null } = speaker ?? {};
  const last = view?.lastChange ?? null;
  const isMaster = speaker?.report.isMaster === true;
  return {
    namespace,
    group,
    at: new Date(nowEpochMs).toISOString(),
    lease: leaseOf(sources, view),
    members: pods.filter((pod) => !isEnded(pod)).map((pod) => memberOf(pod, heard)),
    succession: view === null ? [] : successionOf(view),
    route: view?.route ?? [],
    paused: speaker?.report.paused ?? view?.paused ?? null,
    // The view holds a pause back where it does not count: what it tells is of a change.
    promotion:
      // An older agent does not tell which kind it was: then nothing is said of its time, nor of a loss.
      isMaster && last !== null && last.pauseMs !== null && last.kind != null
        ? { term: last.term, kind: last.kind, pauseMs: last.pauseMs }
        : null,
  };
}

function memberOf(pod: RawPod, heard: Sources['heard']): MemberFacts {
  const { metadata, spec, status } = pod;
  const uid = metadata?.uid ?? '';
  const answer = heard.get(uid);
  const isHeard = answer !== undefined && 'report' in answer;
  return {
    pod: metadata?.name ?? '',
    uid,
    address: status?.podIP ?? null,
    node: spec?.nodeName ?? null,
    hasAgent: hasAgent(pod),
    isLeaving: metadata?.deletionTimestamp !== undefined,
    hasMasterLabel: metadata?.labels?.[ROLE_LABEL] === 'master',
    report: isHeard ? answer.report : null,
    isHeard,
    silence: isHeard ? null : (answer?.silence ?? 'its agent was not asked'),
  };
}

function successionOf({ members, master }: GroupView): readonly Successor[] {
  const others = members.filter(({ pod }) => pod !== master?.pod);
  const next = others
    .filter((each) => each.next !== null)
    .toSorted((a, b) => (a.next ?? 0) - (b.next ?? 0));
  const unfit = others.filter((each) => each.next === null && each.problem !== null);
  return [
    ...next.map(({ pod }) => ({ pod, problem: null })),
    ...unfit.map(({ pod, problem }) => ({ pod, problem })),
  ];
}

/** Its age by the agent that watches it: our clock and the holder's may differ. */
function leaseOf({ lease, nowEpochMs }: Sources, view: GroupView | null): LeaseFacts | null {
  if (lease === null) return null;
  const seen = view?.lease ?? null;
  if (lease === undefined) {
    // Without the right to read it, it is as the agents tell; who holds it has this name.
    const history = view?.history ?? [];
    const opened = history.map(({ term }) => term);
    const holderUid = view?.members.find(({ pod }) => pod === seen?.holder)?.uid ?? null;
    return seen === null
      ? null
      : { ...seen, profile: seen.profile ?? null, holderUid, history, opened };
  }
  const { holder, holderUid, term, history, opened, renewedEpochMs } = lease;
  const isSame = seen !== null && seen.term === term && seen.holder === holder;
  const ageMs = Number.isNaN(renewedEpochMs) ? 0 : Math.max(0, nowEpochMs - renewedEpochMs);
  return {
    holder,
    holderUid,
    term,
    ageMs: isSame ? seen.ageMs : ageMs,
    waitMs: seen?.waitMs ?? lease.waitMs,
    profile: seen?.profile ?? null,
    history: history.map(termOf),
    opened,
  };
}
