// Changes of a text that leave the rest of it as it is, comments included.

import { isCollection, type Node } from 'yaml';
import type { Place, Source } from './base.ts';

export type Edit = { readonly start: number; readonly end: number; readonly text: string };

type Span = { readonly start: number; readonly end: number };

function spanOf({ range }: Node, text: string): Span {
  if (range == null) throw new Error('a node without a place in the text');
  const [start, end] = range;
  // What is written in lines ends with their last line break.
  return { start, end: start + text.slice(start, end).trimEnd().length };
}

function columnOf(offset: number, text: string): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

const spaces = (count: number): string => ' '.repeat(count);

/** How far the key of a place is indented, or the dash of an item of a list. */
function indentOf({ key, value }: Place, { text }: Source): number {
  const column = columnOf(spanOf(key ?? value, text).start, text);
  return key === undefined ? column - 2 : column;
}

/** An expression of a template in place of the value: in its line, or, for a map or a list, below the key. */
export function replaceValue(source: Source, place: Place, expression: string): Edit {
  const { text } = source;
  const { start, end } = spanOf(place.value, text);
  if (!isCollection(place.value)) return { start, end, text: `{{ ${expression} }}` };
  if (place.key === undefined) throw new Error(`${source.file}: a list in a list`);
  const indent = indentOf(place, source) + 2;
  const lines = `:\n${spaces(indent)}{{- ${expression} | nindent ${indent} }}`;
  return { start: spanOf(place.key, text).end, end, text: lines };
}

/** Lines behind the one where a place ends, indented as it is. */
export function insertBehind(source: Source, place: Place, lines: readonly string[]): Edit {
  const { text } = source;
  const { end } = spanOf(place.value, text);
  const at = text.indexOf('\n', end);
  const indent = spaces(indentOf(place, source));
  const start = at === -1 ? text.length : at;
  return { start, end: start, text: lines.map((line) => `\n${indent}${line}`).join('') };
}

/** The same text with all edits; those at one place keep their order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const edit of edits.toSorted((left, right) => left.start - right.start)) {
    if (edit.start < at) throw new Error(`two edits at offset ${edit.start}`);
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}
