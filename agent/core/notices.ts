// What people are told by Events: pure, from one step of the core. Nothing of it changes what is done.

import { ailment } from './ailment.ts';
import { killWeakness } from './kill.ts';
import { labelChanges } from './labels.ts';
import { lastOpened, lastOpening } from './lineage.ts';
import type { AgentEvent, AgentState, PodView } from './model.ts';
import { isPaused } from './pause.ts';
import { isHolder, leaseOf, localInstance, recordOf } from './view.ts';

type Kind = {
  readonly type: 'Normal' | 'Warning';
  readonly about: 'group' | 'pod';
  readonly text: string;
};

/** Every Event of an agent: docs/operations.md has its table from here. */
export const NOTICES = {
  MasterElected: {
    type: 'Normal',
    about: 'group',
    text: 'The first master of the group, or the same pod again in a new term.',
  },
  Failover: {
    type: 'Warning',
    about: 'group',
    text: 'Another pod is master, unplanned: from whom, to whom, why.',
  },
  SwitchoverCompleted: {
    type: 'Normal',
    about: 'group',
    text: 'Another pod is master as planned: it was asked for, or the old pod ends.',
  },
  SwitchoverRefused: {
    type: 'Warning',
    about: 'group',
    text: 'A switchover that was asked for was not begun, and why.',
  },
  SwitchoverUndone: {
    type: 'Warning',
    about: 'group',
    text: 'A switchover was begun and did not come about, and why.',
  },
  Paused: {
    type: 'Normal',
    about: 'group',
    text: 'A person paused the failover: by whom, until when, why.',
  },
  Resumed: {
    type: 'Normal',
    about: 'group',
    text: 'The failover goes on: somebody ended the pause, or its time is over.',
  },
  PauseRefused: {
    type: 'Warning',
    about: 'group',
    text: 'What was asked for as a pause cannot be read, and why: nothing is paused.',
  },
  SplitBrainDetected: {
    type: 'Warning',
    about: 'group',
    text: 'Another Redis was a master beside the one that the Lease names: it is put into limbo.',
  },
  WritesLost: {
    type: 'Warning',
    about: 'group',
    text: 'A deposed master had bytes that the present one never got, and is about to overwrite them.',
  },
  Fenced: {
    type: 'Warning',
    about: 'pod',
    text: 'An open master stopped taking writes, because it could not be sure to lead.',
  },
  RoleRepaired: {
    type: 'Warning',
    about: 'pod',
    text: 'Somebody made this replica a master: it is put into limbo.',
  },
  LabelRepaired: {
    type: 'Warning',
    about: 'pod',
    text: 'Somebody changed the role label of this pod: it was put back.',
  },
  Problem: {
    type: 'Warning',
    about: 'pod',
    text: 'For each code of the README, named after it (`DataConflict` for `RO_DATA_CONFLICT`): its sentence.',
  },
} as const satisfies Record<string, Kind>;

type NoticeReason = keyof typeof NOTICES;

export type Notice = {
  readonly reason: NoticeReason;
  /** One sentence, that of the decision where there is one. */
  readonly note: string;
  /** Another pod than this agent's own. */
  readonly pod?: { readonly name: string; readonly uid: string };
};

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
  // An agent that was replaced resumes what its forerunner told already.
  if (lastOpened(record)?.term === term) return [];
  const entry = record.history.at(-1);
  const from = lastOpening(record)?.holder ?? '';
  const note = `${pod} is master of term ${term}: ${entry?.reason ?? after.reason}`;
  if (from === '' || from === pod) return [{ reason: 'MasterElected', note }];
  const isPlanned = record.goal !== null;
  return [{ reason: isPlanned ? 'SwitchoverCompleted' : 'Failover', note: `${from} → ${note}` }];
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
  const told = (other: string, holder = pod): Notice => ({
    reason: 'SplitBrainDetected',
    note: `the Redis of ${other} was a master beside ${holder}, which the Lease names: it is put into limbo`,
  });
  if (before.phase === 'Boot' && after.phase === 'Fenced') {
    const holder = leaseOf(after)?.holder;
    const isStray = holder != null && holder.pod !== pod && isFilledMaster(after);
    return isStray ? [told(pod, holder.pod)] : [];
  }
  if (before.phase !== 'Leading' || after.phase !== 'Leading') return [];
  if (event.kind === 'remote-fenced' && event.wasMaster === true) {
    const other = after.pods?.find(({ uid }) => uid === event.uid)?.name ?? event.uid;
    return [told(other)];
  }
  if (event.kind !== 'peer' || event.report.role !== 'master') return [];
  const known = before.peers.get(event.report.podUID)?.report.role;
  return known === undefined || known === 'master' ? [] : [told(event.report.podName)];
}

/** One that is empty has just been started, without a boot fence. */
function isFilledMaster(state: AgentState): boolean {
  const instance = localInstance(state);
  return instance?.role === 'master' && instance.keys > 0;
}

/** Bytes of the stream that the promotion left behind, once they are about to be overwritten. */
export function bytesToLose(state: AgentState): number {
  const instance = localInstance(state);
  const { lineage } = recordOf(state);
  if (instance === null) return 0;
  const own = lineage.findLastIndex(({ replid }) => replid === instance.replid);
  const next = own < 0 ? undefined : lineage.slice(own + 1).find(({ term }) => term > 0);
  // `start` is the first offset that only the promoted one has.
  return next === undefined || next.start === 0 ? 0 : Math.max(0, instance.offset - next.start + 1);
}

function lostWrites(before: AgentState, after: AgentState): readonly Notice[] {
  const isAttaching = after.pendingRedis?.kind === 'attach';
  if (!isAttaching || before.pendingRedis?.kind === 'attach') return [];
  const bytes = bytesToLose(after);
  if (bytes === 0) return [];
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
    const note = `somebody changed the role label from ${old.role ?? 'none'} to ${pod.role ?? 'none'}: it is ${role ?? 'none'} again`;
    notices.push({ reason: 'LabelRepaired', note, pod });
  }
  return notices;
}

/** Those with a code of src/errors.ts, once for as long as they last. */
function problems(before: AgentState, after: AgentState): readonly Notice[] {
  const coded = (s: AgentState): readonly string[] =>
    [s.problem ?? '', ailment(s) ?? '', ...killWeakness(s)].filter((text) =>
      text.startsWith('RO_'),
    );
  const now = coded(after);
  // At nearly every event nothing is wrong: what was before need not be asked then.
  if (now.length === 0) return [];
  const codeOf = (text: string): string => text.split(':')[0] ?? text;
  const known = new Set(coded(before).map(codeOf));
  return now
    .filter((text) => !known.has(codeOf(text)))
    .map((note) => ({ reason: 'Problem', note }));
}
