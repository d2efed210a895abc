// Whether a switchover would be safe now, as far as it can be seen from outside: the master's agent has the last
// word. Pure.

import { bytesText, placeText } from '../../src/figures.ts';
import type { GroupView, MemberView } from '../../src/group-view.ts';
import type { Shown } from './screen.ts';
import { type Line, span } from './spans.ts';

export type Condition = { readonly level: 'ok' | 'warning' | 'error'; readonly text: string };

/** As the agents have it (agent/core/handover.ts). */
const LAG_MAX_BYTES = 4 * 1024 * 1024;

const ok = (text: string): Condition => ({ level: 'ok', text });
const warning = (text: string): Condition => ({ level: 'warning', text });
const error = (text: string): Condition => ({ level: 'error', text });

export function switchoverConditions(shown: Shown, target: string | undefined): Condition[] {
  const { view, isBlind } = shown;
  if (isBlind) return [error(view.summary)];
  const { master, lease, paused, warnings } = view;
  const isFull = isMasterFull(view);
  if (master === null || (view.health === 'critical' && !isFull)) return [error(view.summary)];
  const isHeld = lease?.holder === master.pod;
  return [
    isFull
      ? warning(`${view.summary}: another one may take them`)
      : isHeld
        ? ok(
            `${master.pod} is the one master, takes writes and holds the Lease, term ${master.term}`,
          )
        : error(`${master.pod} is master, and the Lease is held by ${lease?.holder ?? 'nobody'}`),
    targetCondition(view, master.pod, target),
    ...(paused === null
      ? []
      : [warning('failover is paused: if this goes wrong, nobody else takes over')]),
    // Of the successor it was told in the line before.
    ...warnings
      .filter(({ pod }) => pod === null || pod !== chosenTarget(view, target))
      .map(({ pod, text }) => warning(pod === null ? text : `${pod}: ${text}`)),
  ];
}

/** The one master refuses writes: a change of master is the remedy, and the agents carry it out. */
function isMasterFull({ master, members }: GroupView): boolean {
  const masters = members.filter(({ role }) => role === 'master');
  return (
    masters.length === 1 &&
    masters[0]?.pod === master?.pod &&
    masters[0]?.state === 'refuses writes'
  );
}

/** The pod that would take over. */
export function chosenTarget({ members }: GroupView, target: string | undefined): string | null {
  return target ?? members.find(({ next }) => next === 1)?.pod ?? null;
}

function targetCondition(view: GroupView, master: string, target: string | undefined): Condition {
  const pod = chosenTarget(view, target);
  if (pod === null) return error(`no replica can take over${reasons(view, master)}`);
  if (pod === master) return error(`${pod} is the master already`);
  const member = view.members.find((each) => each.pod === pod);
  if (member === undefined) {
    const names = view.members.map((each) => each.pod).filter((each) => each !== master);
    return error(`${pod} is no member of the group; there are ${names.join(', ') || 'none'}`);
  }
  return memberCondition(member);
}

function memberCondition({ pod, next, state, behindBytes, problem }: MemberView): Condition {
  if (next === null) return error(`${pod} cannot take over: ${problem ?? `it is ${state}`}`);
  if (behindBytes !== null && behindBytes > LAG_MAX_BYTES) {
    const most = bytesText(LAG_MAX_BYTES);
    return error(
      `${pod} cannot take over: it is ${bytesText(behindBytes)} behind, more than ${most}`,
    );
  }
  const behind =
    behindBytes === null ? 'its offset is not known' : `${bytesText(behindBytes)} behind`;
  const told = `${pod} can take over: ${placeText(next)} in line, ${state}, ${behind}`;
  return state === 'streaming' ? ok(told) : warning(`${told}; the master may refuse`);
}

function reasons({ members }: GroupView, master: string): string {
  const known = members.filter(({ pod, problem }) => pod !== master && problem !== null);
  return known.length === 0 ? '' : `: ${known.map((m) => `${m.pod}: ${m.problem}`).join('; ')}`;
}

const MARKS = { ok: '√', warning: '‼', error: '×' } as const;
const TONES = { ok: 'good', warning: 'warn', error: 'bad' } as const;

export function conditionLine({ level, text }: Condition): Line {
  return [span(MARKS[level], TONES[level]), span(` ${text}`)];
}
