// An input in which nothing stands: as a rule a command before the pipe has failed, or the name is not right.

import type { Manifest } from '../manifest/parse.ts';

export const EMPTY_TEXT = 'there is no object in it';
export const EMPTY_REMEDY =
  'check the name, and the command before the pipe: one that failed writes nothing';

export function isEmpty({ values }: Manifest): boolean {
  return values.every((value) => (value ?? undefined) === undefined);
}

export function emptyNote(name: string): string {
  return `${name}: ${EMPTY_TEXT}. Remedy: ${EMPTY_REMEDY}.`;
}
