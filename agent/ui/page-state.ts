// What the page knows: the last whole view, when it came, and what is to be said aloud. Pure: the clocks are handed
// in.
//
// Invariant: whoever has heard nothing for SILENCE_MS is told so. A heartbeat comes each second, so that silence is a
// broken stream, whether the browser noticed it or not.

import type { GroupView } from '../../src/group-view.ts';
import { type Lag, NO_LAG, withSamples } from './lag.ts';

export const SILENCE_MS = 3000;

/**
 * Of one moment, by two clocks: the wall's goes on while a computer sleeps, the steady one when the wall's is set
 * back. The longer span of the two counts: a page may call itself stale too early, never too late.
 */
export type Moment = { readonly wallMs: number; readonly steadyMs: number };

export type Page = {
  readonly view: GroupView | null;
  readonly heard: Moment | null;
  /** When it was opened. */
  readonly opened: Moment;
  /** The browser said that the stream broke, and nothing came since. */
  readonly isCut: boolean;
  readonly lag: Lag;
  /** For people who do not see the drawing: the last few, each read aloud as it is added. */
  readonly said: readonly Said[];
};

type Said = { readonly number: number; readonly text: string };
/** A failover says several things within a second: one that took the place of another would silence it. */
const SAID_MAX = 5;

export function newPage(opened: Moment): Page {
  return { view: null, heard: null, opened, isCut: false, lag: NO_LAG, said: [] };
}

export function spanMs(from: Moment, to: Moment): number {
  return Math.max(0, to.wallMs - from.wallMs, to.steadyMs - from.steadyMs);
}

/** Also of a page that never heard anything. */
export function isStale(page: Page, now: Moment): boolean {
  if (page.isCut) return true;
  return spanMs(page.heard ?? page.opened, now) > SILENCE_MS;
}

export function withView(page: Page, view: GroupView, now: Moment): Page {
  const wasStale = page.view !== null && isStale(page, now);
  const text =
    changeText(page.view, view) ?? (wasStale ? `Connected again: ${view.summary}.` : null);
  return {
    ...(text === null ? page : saying(page, text)),
    view,
    heard: now,
    isCut: false,
    lag: withSamples(page.lag, view.members, now.wallMs),
  };
}

export function withCut(page: Page): Page {
  return { ...page, isCut: true };
}

/** Time went by. */
export function withSilence(page: Page, now: Moment, staleText: string): Page {
  if (!isStale(page, now) || page.said.at(-1)?.text === staleText) return page;
  return saying(page, staleText);
}

function saying(page: Page, text: string): Page {
  const number = (page.said.at(-1)?.number ?? 0) + 1;
  return { ...page, said: [...page.said, { number, text }].slice(-SAID_MAX) };
}

/** Roles, the pause and the health: what somebody who listens must not miss. */
export function changeText(before: GroupView | null, after: GroupView): string | null {
  const { master, summary, health, paused } = after;
  if (before === null) return `${after.group} is ${health}: ${summary}.`;
  if (summary !== before.summary && (health === 'critical' || before.health === 'critical')) {
    return sentence(`${after.group} is ${health}: ${summary}`, master);
  }
  if (master?.pod !== before.master?.pod || master?.term !== before.master?.term) {
    return sentence(summary, master);
  }
  if ((paused === null) !== (before.paused === null)) {
    return paused === null
      ? 'Failover is not paused any more.'
      : `Failover is paused by ${paused.by}.`;
  }
  return roleText(before, after);
}

function sentence(text: string, master: GroupView['master']): string {
  return master === null ? `${text}.` : `${master.pod} is master of term ${master.term}; ${text}.`;
}

function roleText(before: GroupView, after: GroupView): string | null {
  const changed = after.members.filter(({ uid, role }) => {
    const old = before.members.find((each) => each.uid === uid);
    return old !== undefined && old.role !== role;
  });
  if (changed.length === 0) return null;
  return `${changed.map(({ pod, role, state }) => `${pod} is ${role}, ${state}`).join('; ')}.`;
}
