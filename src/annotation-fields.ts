// Reads JSON that people can edit, field by field: whatever is not of the right shape is left out, so that a
// slip of the hand never stops a program.

import { type Contender, ELECTION_KINDS, type Term, type TermDetails } from './group-facts.ts';
import { isMap } from './json.ts';
import { isTerm } from './wire.ts';

export type Fields = Readonly<Record<string, unknown>>;
type Kind = 'string' | 'number' | 'boolean' | 'term';

export function fieldsOf(value: unknown): Fields | null {
  return isMap(value) ? value : null;
}

export function parseFields(text: string | undefined): Fields | null {
  if (text === undefined) return null;
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The value where every named field has its kind; numbers are finite. */
export function shaped<T>(
  value: unknown,
  shape: Readonly<Record<keyof T & string, Kind>>,
): T | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const isRight = Object.entries<Kind>(shape).every(([name, kind]) => {
    const field = fields[name];
    if (kind === 'term') return isTerm(field);
    return typeof field === kind && (kind !== 'number' || isNumber(field));
  });
  return isRight ? (fields as T) : null;
}

export function shapedList<T>(
  value: unknown,
  shape: Readonly<Record<keyof T & string, Kind>>,
): readonly T[] {
  return Array.isArray(value) ? value.flatMap((item) => shaped<T>(item, shape) ?? []) : [];
}

const TERM = { term: 'term', holder: 'string', reason: 'string', at: 'string' } as const;

const CONTENDER = { pod: 'string', offset: 'number' } as const;

function readDetails(value: unknown): TermDetails | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const { rule, pauseMs, lostBytes } = fields;
  const kind = ELECTION_KINDS.find((each) => each === fields['kind']);
  return {
    among: shapedList<Omit<Contender, 'problem'>>(fields['among'], CONTENDER).map(readContender),
    ...(typeof rule === 'string' ? { rule } : {}),
    ...(kind === undefined ? {} : { kind }),
    ...(isWhole(pauseMs) ? { pauseMs } : {}),
    ...(isWhole(lostBytes) ? { lostBytes } : {}),
  };
}

function readContender(entry: Omit<Contender, 'problem'>): Contender {
  const { pod, offset } = entry;
  const problem: unknown = Reflect.get(entry, 'problem');
  return { pod, offset, ...(typeof problem === 'string' ? { problem } : {}) };
}

/** Of milliseconds or bytes. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A term of the record with what people did to it. */
export type RecordedTerm = Term & {
  /** Its holder left it and had asked for no promotion in it: no data are of this term. */
  readonly unopened?: true;
  /** Id of the switchover that a person asked for, and that brought it about. */
  readonly request?: string;
};

export function readTerms(value: unknown): readonly RecordedTerm[] {
  return shapedList<Omit<Term, 'details'>>(value, TERM).map((entry) => {
    const { term, holder, reason, at } = entry;
    const isUnopened = Reflect.get(entry, 'unopened') === true;
    const request: unknown = Reflect.get(entry, 'request');
    const details = readDetails(Reflect.get(entry, 'details'));
    return {
      term,
      holder,
      reason,
      at,
      ...(isUnopened ? { unopened: true } : {}),
      ...(typeof request === 'string' ? { request } : {}),
      ...(details === null ? {} : { details }),
    };
  });
}

/** What everybody is told of it. */
export function termOf({ term, holder, reason, at, details }: RecordedTerm): Term {
  return { term, holder, reason, at, ...(details === undefined ? {} : { details }) };
}
