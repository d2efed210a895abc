// A reason as a value, and what follows from its code alone (the table is reason-table.ts).

import { REASONS } from './reason-table.ts';

export type ReasonCode = keyof typeof REASONS;

export type Reason = {
  readonly code: ReasonCode;
  readonly values: Readonly<Record<string, string | number>>;
};

export function reason(code: ReasonCode, values: Reason['values'] = {}): Reason {
  return { code, values };
}

/** A skip that says nothing: the pod is none of our business, or all is done. */
export function isSilent(code: ReasonCode): boolean {
  return REASONS[code].outcome === 'silent';
}

/** The same pod may be accepted a moment later. */
export function isTransient({ code }: Reason): boolean {
  return code === 'namespace-not-ready' || code === 'namespace-failed';
}

/** The API server cuts warnings; longer ones than this are cut by ourselves. */
const TEXT_LENGTH_MAX = 120;

/** The reason as one sentence of at most 120 characters. */
export function reasonText({ code, values }: Reason): string {
  const filled = REASONS[code].text.replace(/\{(\w+)\}/g, (_, key: string) =>
    String(values[key] ?? '?'),
  );
  return filled.length <= TEXT_LENGTH_MAX ? filled : `${filled.slice(0, TEXT_LENGTH_MAX - 1)}…`;
}

/** Names in a sentence: with many, what follows them would be cut off. */
const NAMES_LENGTH_MAX = 30;

export function namesOf(names: readonly string[], max = NAMES_LENGTH_MAX): string {
  const all = names.join(', ');
  if (all.length <= max) return all;
  const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
  const first = (names[0] ?? '').slice(0, max - more.length);
  return `${first}${more}`;
}

export function remedyOf(code: ReasonCode): string {
  return REASONS[code].remedy;
}
