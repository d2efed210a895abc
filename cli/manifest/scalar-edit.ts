// A text that grows or shrinks in one place, as a boot fence makes it, is changed in that place: a script in a
// block keeps its lines. Other words keep their kind of quotes. All else is for the caller to write anew.

import type { Scalar } from 'yaml';
import { inlineText, quoted } from './render.ts';
import type { TextEdit } from './text-edit.ts';

type Range = readonly [number, number, number];

/** What means itself in every style. */
const HARMLESS = /^[ \w.-]+$/;

/** Where the first `count` characters that are no blanks end: the same in a text and in how it is written. */
function offsetAfter(text: string, start: number, count: number): number {
  let offset = start;
  for (let seen = 0; seen < count && offset < text.length; offset++) {
    if (!/\s/.test(text[offset] ?? '')) seen++;
  }
  return offset;
}

function inkOf(text: string): number {
  return text.replace(/\s/g, '').length;
}

function bodyOf(raw: string): number {
  if (/^[|>]/.test(raw)) return raw.indexOf('\n') + 1;
  return /^["']/.test(raw) ? 1 : 0;
}

export function scalarEdit(source: string, node: Scalar, target: unknown): TextEdit | undefined {
  const { range } = node;
  if (!range || typeof target === 'object') return undefined;
  return pieceEdit(source, node, target, range) ?? wordEdit(source, target, range);
}

function wordEdit(source: string, target: unknown, range: Range): TextEdit | undefined {
  const raw = source.slice(range[0], range[1]);
  // Nothing, or a block of lines.
  if (raw === '' || /^[|>]/.test(raw)) return undefined;
  const isSingle = raw.startsWith("'") && typeof target === 'string' && HARMLESS.test(target);
  const text = isSingle ? `'${target}'` : raw.startsWith('"') ? quoted(target) : inlineText(target);
  return { start: range[0], end: range[1], text };
}

function pieceEdit(
  source: string,
  { value: old }: Scalar,
  target: unknown,
  range: Range,
): TextEdit | undefined {
  if (typeof old !== 'string' || typeof target !== 'string') return undefined;
  const raw = source.slice(range[0], range[1]);
  const isEscaped = raw.startsWith('"') ? raw.includes('\\') : /^'.*''/s.test(raw.slice(0, -1));
  if (old === '' || target === '' || isEscaped) return undefined;
  const longer = target.length > old.length ? target : old;
  const shorter = longer === target ? old : target;
  let before = 0;
  while (before < shorter.length && shorter[before] === longer[before]) before++;
  // The blank that separates stands before what is added.
  while (before > 0 && longer[before - 1] === ' ') before--;
  const size = longer.length - shorter.length;
  const piece = longer.slice(before, before + size);
  const isOne = longer.slice(0, before) + longer.slice(before + size) === shorter;
  if (!isOne || !HARMLESS.test(piece)) return undefined;
  const ink = inkOf(longer.slice(0, before));
  const start = range[0] + offsetAfter(raw, bodyOf(raw), ink);
  if (longer === target) return { start, end: start, text: piece };
  const end = range[0] + offsetAfter(raw, bodyOf(raw), ink + inkOf(piece));
  return { start, end, text: '' };
}
