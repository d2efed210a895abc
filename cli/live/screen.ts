// One group on one screen, and many groups as one table. Pure: from the view that every door shows.

import { bytesText, countText, placeText } from '../../src/figures.ts';
import type { GroupView, Health, MemberView } from '../../src/group-view.ts';
import { leadReason } from '../../src/term-texts.ts';
import { columns, type Line, span, type Tone } from './spans.ts';
import { ageText, sinceText } from '../ages.ts';

export type Shown = {
  readonly view: GroupView;
  /** No agent could be asked: the health is not known. */
  readonly isBlind: boolean;
  /** Rights that are missing. */
  readonly missing: readonly string[];
  readonly faults: readonly string[];
};

const TONES: Readonly<Record<Health, Tone>> = {
  healthy: 'good',
  degraded: 'warn',
  critical: 'bad',
};
const TITLE_WIDTH = 46;
const KEY_WIDTH = 8;

function healthSpan({ view, isBlind }: Shown): ReturnType<typeof span> {
  return isBlind ? span('UNKNOWN', 'warn') : span(view.health.toUpperCase(), TONES[view.health]);
}

export function groupScreen(shown: Shown, isVerbose: boolean): readonly Line[] {
  const { view } = shown;
  const title = `${view.namespace}/${view.group}`;
  return [
    [
      span(title.padEnd(TITLE_WIDTH), 'strong'),
      span('  '),
      healthSpan(shown),
      span(`, ${view.summary}`),
    ],
    row('master', shown.isBlind ? [span('unknown', 'warn')] : masterSpans(view)),
    row('lease', [span(leaseText(view))]),
    ...routeLines(view, isVerbose),
    ...(view.paused === null ? [] : [row('paused', [span(pauseText(view), 'warn')])]),
    [],
    ...memberTable(shown, isVerbose),
    [],
    ...(shown.isBlind ? [] : [[span(view.prediction)]]),
    ...changeLines(view),
    ...warningLines(shown),
    ...(isVerbose ? historyLines(view) : []),
  ];
}

function row(key: string, spans: Line): Line {
  return [span(key.padEnd(KEY_WIDTH), 'dim'), ...spans];
}

function masterSpans(view: GroupView): Line {
  const { master, lease, at } = view;
  if (master === null) return [span('none', 'bad'), span(`   term ${lease?.term ?? '?'}`)];
  const since = master.since === '' ? '' : `   since ${sinceText(master.since, at)}`;
  const reason = leadReason(view);
  const why = reason === '' ? '' : `   (${reason})`;
  return [span(master.pod, 'strong'), span(`   term ${master.term}${since}${why}`)];
}

function leaseText({ lease }: GroupView): string {
  if (lease === null) return 'none';
  const held = lease.holder === null ? 'held by nobody' : `held by ${lease.holder}`;
  const age = `renewed ${ageText(lease.ageMs)} ago`;
  const profile = lease.profile === null ? '' : ` (profile ${lease.profile})`;
  return `${held}, ${age}; others may take it once it is ${lease.waitMs / 1000}s old${profile}`;
}

function pauseText({ paused, at }: GroupView): string {
  if (paused === null) return '';
  const left = ageText(Date.parse(paused.until) - Date.parse(at));
  const why = paused.reason === '' ? '' : `: ${paused.reason}`;
  return `by ${paused.by} until ${paused.until} (${left} left)${why}`;
}

function routeLines({ route }: GroupView, isVerbose: boolean): readonly Line[] {
  const parts = route.map(({ service, kind, ok, detail }): Line => {
    // What is wrong with it is told by a warning.
    const text = isVerbose ? `${kind}: ${detail}` : ok ? detail : '';
    const mark = ok ? span(' ✔', 'good') : span(' ✘', 'bad');
    return [span(`svc/${service}`), span(text === '' ? '' : ` ${text}`, 'dim'), mark];
  });
  return parts.map((spans, index) => row(index === 0 ? 'route' : '', spans));
}

function memberTable({ view, isBlind }: Shown, isVerbose: boolean): readonly Line[] {
  const { members, master } = view;
  if (members.length === 0) return [[span('no pods', 'dim')]];
  const names = ['POD', 'ROLE', 'STATE', 'OFFSET', 'BEHIND', 'NEXT', 'NODE'];
  const head = [...names, ...(isVerbose ? ['ADDRESS'] : [])].map((name) => span(name, 'dim'));
  return columns([
    head,
    ...members.map((member) => {
      // They are silent to us alone.
      const known = isBlind ? { ...member, state: 'not asked' } : member;
      return memberRow(known, member.pod === master?.pod, isVerbose);
    }),
  ]);
}

function memberRow(member: MemberView, isMaster: boolean, isVerbose: boolean): Line {
  const { pod, role, state, offset, behindBytes, next, node, address } = member;
  const isWell = state === 'writable' || state === 'streaming';
  return [
    span(pod),
    span(role),
    span(state, isWell ? 'plain' : 'warn'),
    span(offset === null ? '-' : countText(offset)),
    span(behindBytes === null ? '-' : bytesText(behindBytes)),
    span(isMaster ? '-' : next === null ? 'no' : placeText(next)),
    span(node ?? '-'),
    ...(isVerbose ? [span(address ?? '-')] : []),
  ];
}

function changeLines({ lastChange: last, at }: GroupView): readonly Line[] {
  if (last === null) return [];
  const from = last.from === null || last.from === last.to ? '' : `${last.from} → `;
  const took = last.kind === 'planned' ? 'writes paused for' : 'the election took';
  const pause = last.pauseMs === null ? '' : `; ${took} ${Math.round(last.pauseMs)} ms`;
  const when = `${sinceText(last.at, at)} ago`;
  const change = `Last change, to term ${last.term} (${when}): ${from}${last.to}, ${last.reason}`;
  const lost = last.lost === null ? '' : `; ${last.lost}`;
  return [[span(`${change}${pause}${lost}`)]];
}

function warningLines({ view, missing, faults, isBlind }: Shown): readonly Line[] {
  const { members, master, warnings } = view;
  const isTold = (pod: string, text: string): boolean =>
    warnings.some((each) => each.pod === pod && each.text === text);
  const unfit = members
    .filter(({ pod, next, problem }) => pod !== master?.pod && next === null && problem !== null)
    .filter(({ pod, problem }) => !isTold(pod, problem ?? ''))
    .map(({ pod, problem }) => `${pod} cannot take over: ${problem}`);
  const told = warnings.map(({ pod, text }) => (pod === null ? text : `${pod}: ${text}`));
  // Without agents, all that they would have told is missing: one reason is enough.
  const texts = isBlind ? [] : [...told, ...unfit];
  return [
    ...texts.map((text): Line => [span('! ', 'warn'), span(text)]),
    ...missing.map((right): Line => [span('? ', 'warn'), span(`not seen: you may not ${right}`)]),
    ...faults.map((fault): Line => [span('? ', 'warn'), span(`not seen: ${fault}`)]),
  ];
}

function historyLines({ history, at }: GroupView): readonly Line[] {
  if (history.length === 0) return [];
  const rows = history.toReversed().map((entry): Line => {
    const { term, holder, reason } = entry;
    return [span(String(term)), span(holder), span(`${sinceText(entry.at, at)} ago`), span(reason)];
  });
  const head = ['TERM', 'HOLDER', 'WHEN', 'WHY'].map((name) => span(name, 'dim'));
  return [[], ...columns([head, ...rows])];
}

export function overview(all: readonly Shown[]): readonly Line[] {
  const names = ['NAMESPACE', 'GROUP', 'HEALTH', 'MASTER', 'TERM', 'PODS', 'SUMMARY'];
  const rows = all.map((shown): Line => {
    const { namespace, group, master, lease, members, summary } = shown.view;
    return [
      span(namespace),
      span(group),
      healthSpan(shown),
      span(master?.pod ?? '-'),
      span(String(lease?.term ?? '-')),
      span(String(members.length)),
      span(summary),
    ];
  });
  return columns([names.map((name) => span(name, 'dim')), ...rows]);
}
