// The live page of one group: each event is the whole, and the whole is drawn again.

import { render } from 'preact';
import {
  isStale,
  type Moment,
  newPage,
  type Page,
  withCut,
  withSilence,
  withView,
} from './page-state.ts';
import { ViewStream } from './stream.ts';
import { pageMarkup, staleText } from './view.ts';

/** Ages are seen to grow, and silence is noticed soon after its limit. */
const LOOK_MS = 500;

function now(): Moment {
  return { wallMs: Date.now(), steadyMs: performance.now() };
}

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no element "page"');

let page = newPage(now());

function show(next: Page): void {
  page = next;
  const moment = now();
  if (root !== null) render(pageMarkup(page, moment), root);
  const { view } = page;
  if (view === null) return;
  const word = isStale(page, moment) ? 'stale' : view.health;
  document.title = `${word} · ${view.namespace}/${view.group}`;
}

const stream = new ViewStream({
  onView: (view) => show(withView(page, view, now())),
  onCut: () => show(withSilence(withCut(page), now(), staleText(page))),
});

function look(): void {
  const moment = now();
  if (isStale(page, moment)) stream.renew();
  show(withSilence(page, moment, staleText(page)));
}

show(page);
setInterval(look, LOOK_MS);
// A page in the background is looked after less often by the browser; whoever comes back sees the truth at once.
document.addEventListener('visibilitychange', look);
