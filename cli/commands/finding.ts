// One thing that check has to say.

import { type Reason, reasonText, remedyOf } from '../../webhook/core/reasons.ts';

export type Level = 'ok' | 'warning' | 'error';

export type Finding = {
  readonly level: Level;
  readonly about: string;
  /** Of webhook/core/reason-table.ts where the webhook would say the same, or one of check's own. */
  readonly code?: string;
  readonly text: string;
  readonly remedy?: string;
};

export function fromReason(level: Level, about: string, why: Reason): Finding {
  return { level, about, code: why.code, text: reasonText(why), remedy: remedyOf(why.code) };
}
