// What people are told by Events: pure, from one step of the core. Nothing of it changes what is done.

import { ROLE_LABEL } from '../../src/names.ts';
import { electionKind, isResumed } from './election-time.ts';
import { killWeakness } from './kill.ts';
import { labelChanges } from './labels.ts';
import { lastOpening } from './lineage.ts';
import { newlyLost } from './loss.ts';
import type { AgentEvent, AgentState, GroupRecord, PodName, PodView } from './model.ts';
import type { Notice } from './notice-table.ts';
import { isPaused } from './pause.ts';
import { unwritability } from './unwritable.ts';
import { isHolder, leaseOf, localInstance, recordOf } from './view.ts';

export function noticesOf(
  before: AgentState,
  event: AgentEvent,
  after: AgentState,
): readonly Notice[] {
  return [
    ...election(before, after),
    ...answers(before, after),
    ...pauses(before, after),
    ...fences(before, after),
    ...otherMasters(before, event, after),
    ...lostWrites(before, after),
    ...repairs(before, event, after),
    ...problems(before, after),
  ];
}

function election(before: AgentState, after: AgentState): readonly Notice[] {
  if (before.phase !== 'Promoting' || after.phase !== 'Leading') return [];
  const record = recordOf(before);
  const { pod } = after.config.self;
  const term = leaseOf(after)?.term;
  // Its forerunner told it already.
  if (isResumed(before)) return [];
  const from = lastOpening(record)?.holder ?? '';
  const note = `${pod} is master of term ${term}: ${whyItEnded(record) ?? after.reason}`;
  if (from === '' || from === pod) return [{ reason: 'MasterElected', note }];
  const isPlanned = electionKind(before) === 'planned';
  const ms = after.promotion?.pauseMs ?? null;
  const took = isPlanned ? 'writes paused for' : 'the election took';
  const timed = ms === null ? '' : `; ${took} ${Math.round(ms)} ms`;
  const arrow = `${from} → ${note}${timed}`;
  return [{ reason: isPlanned ? 'SwitchoverCompleted' : 'Failover', note: arrow }];
}

/**
 * Why who led last leads no more. Where a term between went to somebody who did not open it, the reason of the newest
 * term is about that one alone: the first one is told as well.
 */
function whyItEnded(record: GroupRecord): string | null {
  const { history } = record;
  const ended = lastOpening(record)?.term ?? 0;
  const since = history.filter(({ term }) => term > ended);
  const [first] = since;
  const last = history.at(-1);
  if (last === undefined) return null;
  if (first === undefined || first === last || ended === 0) return last.reason;
  return `${first.reason} (term ${first.term} went to ${first.holder}, which did not open it); ${last.reason}`;
}

function answers(before: AgentState, after: AgentState): readonly Notice[] {
  const { answer } = after;
  if (answer === null || answer === before.answer) return [];
  const note = `switchover ${answer.id}: ${answer.detail}`;
  if (answer.outcome === 'refused') return [{ reason: 'SwitchoverRefused', note }];
  return answer.outcome === 'undone' ? [{ reason: 'SwitchoverUndone', note }] : [];
}

/** Told by whoever would hand over. */
function pauses(before: AgentState, after: AgentState): readonly Notice[] {
  const [was, is] = [isPaused(before), isPaused(after)];
  if (was === is || !isHolder(after)) return [];
  const { pause } = is ? after : before;
  if (pause === null) return [];
  if (!is) return [{ reason: 'Resumed', note: `failover goes on; it was paused by ${pause.by}` }];
  const minutes = Math.ceil((pause.until - after.now) / 60_000);
  const note = `failover is paused by ${pause.by} for ${minutes} min: ${pause.reason}`;
  return [{ reason: 'Paused', note }];
}

/** An open master that stops without having been asked to. */
function fences(before: AgentState, after: AgentState): readonly Notice[] {
  const wasOpen = before.phase === 'Leading' && localInstance(before)?.role === 'master';
  const isFencing = after.phase === 'Fencing' || after.phase === 'Fenced';
  if (!wasOpen || !isFencing) return [];
  return [{ reason: 'Fenced', note: after.reason }];
}

function otherMasters(before: AgentState, event: AgentEvent, after: AgentState): readonly Notice[] {
  const { pod } = after.config.self;
  const told = (rival: PodName, holder = pod): Notice => ({
    reason: 'SplitBrainDetected',
    note: `the Redis of ${rival.pod} was a master beside ${holder}, which the Lease names: it is put into limbo`,
    rival,
  });
  if (before.phase === 'Boot' && after.phase === 'Fenced') {
    const holder = leaseOf(after)?.holder;
    const isStray = holder != null && holder.pod !== pod && isFilledMaster(after);
    return isStray ? [told({ pod, uid: after.config.self.uid }, holder.pod)] : [];
  }
  if (before.phase !== 'Leading' || after.phase !== 'Leading') return [];
  if (event.kind === 'remote-fenced' && event.wasMaster === true) {
    const other = after.pods?.find(({ uid }) => uid === event.uid)?.name ?? event.uid;
    return [told({ pod: other, uid: event.uid })];
  }
  if (event.kind !== 'peer' || event.report.role !== 'master') return [];
  const known = before.peers.get(event.report.podUID)?.report.role;
  const rival = { pod: event.report.podName, uid: event.report.podUID };
  return known === undefined || known === 'master' ? [] : [told(rival)];
}

/** One that is empty has just been started, without a boot fence. */
function isFilledMaster(state: AgentState): boolean {
  const instance = localInstance(state);
  return instance?.role === 'master' && instance.keys > 0;
}

/** Bytes of the stream that the promotion left behind, once they are about to be overwritten. */
function lostWrites(before: AgentState, after: AgentState): readonly Notice[] {
  if (newlyLost(before.lost, after.lost) === 0) return [];
  const { bytes = 0 } = after.lost ?? {};
  const { offset = 0, replid = '' } = localInstance(after) ?? {};
  const { pod } = after.config.self;
  const note = `${pod} had ${bytes} bytes of the stream ${replid} up to offset ${offset} that ${leaseOf(after)?.holder?.pod ?? 'the master'} never got: they are overwritten`;
  return [{ reason: 'WritesLost', note }];
}

/** What somebody else changed of what the agents keep. */
function repairs(before: AgentState, event: AgentEvent, after: AgentState): readonly Notice[] {
  const notices: Notice[] = [];
  const { phase } = before;
  const wasReplica = localInstance(before)?.role === 'replica';
  if (wasReplica && localInstance(after)?.role === 'master' && before.pendingRedis === null) {
    if (phase === 'Following' || phase === 'Fenced') {
      const note = 'this Redis was made a master by somebody else: it is put into limbo';
      notices.push({ reason: 'RoleRepaired', note });
    }
  }
  if (event.kind !== 'pods' || phase !== 'Leading') return notices;
  const wasRight = new Set(labelChanges(before).map(({ pod }) => pod.uid));
  const known = new Map((before.pods ?? []).map((pod): [string, PodView] => [pod.uid, pod]));
  for (const { pod, role } of labelChanges(after)) {
    const old = known.get(pod.uid);
    if (old === undefined || old.role === pod.role || wasRight.has(pod.uid)) continue;
    // Any other may be a change of ours that comes late, after what it was made for has passed.
    if (pod.role !== 'master' && role !== 'master') continue;
    const note = relabelled(pod.role, old.role, role);
    notices.push({ reason: 'LabelRepaired', note, pod });
  }
  return notices;
}

function relabelled(is: string | null, was: string | null, wanted: string | null): string {
  if (is === null)
    return `somebody took the label ${ROLE_LABEL}=${was} off this pod: it is put back`;
  const end = wanted === null ? 'it is taken off again' : `it is ${wanted} again`;
  const from = was === null ? '' : `, which was ${was}`;
  return `somebody set the label ${ROLE_LABEL} of this pod to ${is}${from}: ${end}`;
}

/** Those with a code of src/errors.ts, once for as long as they last. */
function problems(before: AgentState, after: AgentState): readonly Notice[] {
  // One by one: of several in one sentence only the first would have an Event.
  const coded = (s: AgentState): readonly string[] =>
    [
      s.problem ?? '',
      localInstance(s)?.obstacle?.problem ?? '',
      unwritability(s) ?? '',
      ...killWeakness(s),
    ].filter((text) => text.startsWith('RO_'));
  const now = coded(after);
  // At nearly every event nothing is wrong: what was before need not be asked then.
  if (now.length === 0) return [];
  const codeOf = (text: string): string => text.split(':')[0] ?? text;
  const known = new Set(coded(before).map(codeOf));
  return now
    .filter((text) => !known.has(codeOf(text)))
    .map((note) => ({ reason: 'Problem', note }));
}
