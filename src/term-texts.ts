// What is told of a term beside its reason, in words: for history and for the page. Pure.

import { bytesText, countText } from './figures.ts';
import type { Contender, TermDetails } from './group-facts.ts';
import type { GroupView } from './group-view.ts';

const TOOK: Readonly<Record<NonNullable<TermDetails['kind']>, string>> = {
  planned: 'no writes',
  unplanned: 'election',
  cold: 'election',
};

/** Why the master leads: the reason is about the one before, where that was another. */
export function leadReason({ master, lastChange }: GroupView): string {
  const { reason = '', pod } = master ?? {};
  const { from = null } = lastChange ?? {};
  return reason === '' || from === null || from === pod ? reason : `after ${from}: ${reason}`;
}

/** Name and text, in the order in which they are shown. */
export function detailTexts(details: TermDetails): readonly (readonly [string, string])[] {
  const { among, rule, kind, pauseMs, lostBytes } = details;
  return [
    ['candidates', among.length === 0 ? 'none was heard' : among.map(contenderText).join(', ')],
    ...(rule === undefined ? [] : [['decided by', rule] as const]),
    ...(pauseMs === undefined ? [] : [[TOOK[kind ?? 'unplanned'], `${pauseMs} ms`] as const]),
    ...(lostBytes === undefined ? [] : [['lost', bytesText(lostBytes)] as const]),
  ];
}

function contenderText({ pod, offset, problem }: Contender): string {
  const why = problem === undefined ? '' : ` (no: ${problem})`;
  return `${pod} at ${countText(offset)}${why}`;
}
