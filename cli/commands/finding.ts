// One thing that check has to say.

import { type Reason, reasonText, remedyOf } from '../../webhook/core/reasons.ts';

/** `unseen`: it may be well or not, and whoever asks may not see it. */
export type Level = 'ok' | 'warning' | 'error' | 'unseen';

export type Finding = {
  readonly level: Level;
  readonly about: string;
  /** Of webhook/core/reason-table.ts where the webhook would say the same, or one of check's own. */
  readonly code?: string;
  readonly text: string;
  readonly remedy?: string;
};

/** What was asked of a cluster: the answer, or why there is none, in words for people. */
export type Seen<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export function fromReason(level: Level, about: string, why: Reason): Finding {
  return { level, about, code: why.code, text: reasonText(why), remedy: remedyOf(why.code) };
}

export function unseen(about: string, why: string): Finding {
  const isDenied = why.startsWith('you may not');
  const remedy = isDenied
    ? 'ask somebody who may see it, or for the right'
    : 'put that right, and call this again';
  return { level: 'unseen', about, code: 'not-seen', text: `not looked at: ${why}`, remedy };
}
