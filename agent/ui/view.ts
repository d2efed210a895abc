// The whole page, from what it knows and the time.

import { html, type Markup } from './html.ts';
import { leasePart } from './lease.ts';
import { healthTone, toneMark } from './marks.ts';
import { membersTable } from './members.ts';
import { isStale, type Moment, type Page, spanMs } from './page-state.ts';
import { clockText, dateText, spanText } from './text.ts';
import { timeline } from './timeline.ts';
import { topology } from './topology.ts';
import { leadReason } from '../../src/term-texts.ts';
import type { GroupView } from '../../src/group-view.ts';

export function pageMarkup(page: Page, now: Moment): Markup {
  const { view } = page;
  const stale = isStale(page, now);
  return html`<div class="page ${stale ? 'is-stale' : 'is-live'}">
    ${view === null ? waiting(stale) : header(view, page, now)}
    ${view === null ? null : body(view, page, now)}
    <div class="unseen" role="log" aria-live="polite" aria-label="Changes">
      ${page.said.map(({ number, text }) => html`<p key=${number}>${text}</p>`)}
    </div>
  </div>`;
}

function waiting(stale: boolean): Markup {
  return html`<header>
    <h1>Redis Orchestrator</h1>
    <p>${stale ? 'No answer yet; trying again.' : 'Connecting…'}</p>
  </header>`;
}

/** `stale since 12:00:01`: when the last word came. */
export function staleText(page: Page): string {
  const { heard, opened } = page;
  return `stale since ${clockText((heard ?? opened).wallMs)}`;
}

function header(view: GroupView, page: Page, now: Moment): Markup {
  const stale = isStale(page, now);
  const silentMs = spanMs(page.heard ?? page.opened, now);
  return html`<header>
    <h1>${view.namespace}/${view.group}</h1>
    ${
      stale
        ? html`<p class="health tone-unknown" data-part="health">
          ${toneMark('unknown')} <strong data-part="stale">${staleText(page)}</strong>
          <span>
            nothing heard for ${spanText(silentMs)}; what follows is what was known then
            (${view.health}: ${view.summary})
          </span>
        </p>`
        : html`<p class="health tone-${healthTone(view.health)}" data-part="health">
          ${toneMark(healthTone(view.health))} <strong>${view.health}</strong>
          <span>${view.summary}</span>
          <span class="small heard">live, heard ${spanText(silentMs)} ago</span>
        </p>`
    }
    ${view.paused === null ? null : pausedBanner(view.paused)}
  </header>`;
}

function pausedBanner({ by, reason, until }: NonNullable<GroupView['paused']>): Markup {
  const end = Date.parse(until);
  return html`<p class="banner" data-part="paused">
    <strong><span aria-hidden="true">❚❚</span> Failover is paused</strong> by ${by} until
    ${' '}<time datetime=${until}>${Number.isNaN(end) ? until : dateText(end)}</time>${reason === '' ? '' : `: ${reason}`}
  </p>`;
}

function body(view: GroupView, page: Page, now: Moment): Markup {
  // From the last word on nothing is known to have grown older: the ages stand still with it.
  const sinceMs = isStale(page, now) ? 0 : spanMs(page.heard ?? now, now);
  return html`<main>
    <section aria-labelledby="group-title">
      <h2 id="group-title">Group</h2>
      <p data-part="master">${masterText(view)}</p>
      ${topology(view)} ${membersTable(view, page.lag, now.wallMs)}
    </section>
    <div class="columns">
      <section aria-labelledby="next-title">
        <h2 id="next-title">What happens next</h2>
        <p data-part="prediction">${view.prediction}</p>
        ${warningsList(view.warnings)}
      </section>
      ${leasePart(view, sinceMs)}
    </div>
    ${timeline(view, now.wallMs)}
  </main>`;
}

function masterText(view: GroupView): string {
  const { master } = view;
  if (master === null) return 'Nobody is master.';
  const since = Date.parse(master.since);
  const text = `${master.pod} is master of term ${master.term}`;
  const reason = leadReason(view);
  const why = reason === '' ? '' : ` (${reason})`;
  return Number.isNaN(since) ? `${text}.` : `${text}, since ${dateText(since)}${why}.`;
}

function warningsList(warnings: GroupView['warnings']): Markup {
  if (warnings.length === 0) return html`<p class="small" data-part="warnings">No warnings.</p>`;
  return html`<ul class="plain warnings" data-part="warnings">
    ${warnings.map(
      ({ pod, text }) =>
        html`<li key=${`${pod ?? ''} ${text}`}>
          ${toneMark('warn')} <span><strong>${pod === null ? '' : `${pod}: `}</strong>${text}</span>
        </li>`,
    )}
  </ul>`;
}
