// What a new pause does to one that is in force: it takes its place. Whoever ends somebody else's sooner than that
// person meant has to say so. Pure.

import type { PauseReport } from '../../src/wire.ts';

export type PauseConflict =
  | { readonly kind: 'none' }
  /** It is to be known: somebody's own, or one that ends sooner anyway. */
  | { readonly kind: 'replaced'; readonly text: string }
  /** Somebody else counts on it for longer. */
  | { readonly kind: 'shortened'; readonly text: string };

export function pauseConflict(
  found: PauseReport | null,
  { by, expiresEpochMs }: { readonly by: string; readonly expiresEpochMs: number },
  nowEpochMs: number,
): PauseConflict {
  const until = Date.parse(found?.until ?? '');
  if (found === null || Number.isNaN(until) || until <= nowEpochMs) return { kind: 'none' };
  const why = found.reason === '' ? '' : ` (${found.reason})`;
  if (found.by === by) {
    return { kind: 'replaced', text: `replaces your own until ${found.until}${why}` };
  }
  const text = `the pause by ${found.by} until ${found.until}${why}`;
  return until > expiresEpochMs
    ? { kind: 'shortened', text: `${text} would end sooner than that` }
    : { kind: 'replaced', text: `replaces ${text}` };
}
