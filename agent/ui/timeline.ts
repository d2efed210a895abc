// The terms of the group, the newest first; each opens its record. They are the browser's own <details>, so that
// keyboard and screen reader work without a script.

import { html, type Markup } from './html.ts';
import { dateText, spanText } from './text.ts';
import { detailTexts } from '../../src/term-texts.ts';
import type { GroupView } from '../../src/group-view.ts';
import type { Term } from '../../src/group-facts.ts';

export function timeline({ history, lastChange }: GroupView, nowMs: number): Markup {
  const newest = history.toReversed();
  return html`<section aria-labelledby="terms-title">
    <h2 id="terms-title">Terms</h2>
    ${
      newest.length === 0
        ? html`<p>The record of the Lease tells of none yet.</p>`
        : html`<ol class="terms" data-part="terms">
          ${newest.map((term, index) => entry(term, newest[index + 1], lastChange, nowMs))}
        </ol>`
    }
  </section>`;
}

function entry(
  term: Term,
  before: Term | undefined,
  last: GroupView['lastChange'],
  nowMs: number,
): Markup {
  const atMs = Date.parse(term.at);
  const ago = Number.isNaN(atMs) ? '' : `${spanText(nowMs - atMs)} ago`;
  const isSame = before?.holder === term.holder;
  return html`<li key=${term.term}>
    <details>
      <summary>
        <strong>Term ${term.term}</strong> ${term.holder}${isSame ? ' again' : ''}
        ${' '}<span class="small">${ago}</span>
      </summary>
      <dl>
        <div><dt>Holder</dt><dd>${holderText(term, before)}</dd></div>
        <div><dt>Reason</dt><dd>${term.reason || 'not recorded'}</dd></div>
        <div><dt>When</dt><dd>${when(term.at, atMs)}</dd></div>
        ${rows(term, last).map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd>${text}</dd></div>`)}
      </dl>
    </details>
  </li>`;
}

function holderText(term: Term, before: Term | undefined): string {
  if (before === undefined) return term.holder;
  if (before.holder === term.holder) return `${term.holder}, as before`;
  return `${term.holder}, after ${before.holder}`;
}

function when(at: string, atMs: number): Markup {
  if (Number.isNaN(atMs)) return html`<span>not recorded</span>`;
  return html`<time datetime=${at}>${dateText(atMs)}</time>`;
}

/** The record of old terms keeps the reason alone, and of the newest one its loss may not be known yet. */
function rows(
  { term, details }: Term,
  last: GroupView['lastChange'],
): readonly (readonly [string, string])[] {
  if (details === undefined) return [['more', 'not recorded any more']];
  const isUntold = last?.term === term && details.lostBytes === undefined && last.lost !== null;
  return [...detailTexts(details), ...(isUntold ? [['lost', last.lost] as const] : [])];
}
