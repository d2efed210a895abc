// The difference of two texts as patch(1) reads it. The shortest script of Myers' O(ND) algorithm: manifests
// are long, their changes small.

import type { TextEdit } from './manifest/text-edit.ts';

type Line = { readonly kind: ' ' | '-' | '+'; readonly text: string };

const CONTEXT = 3;
const NO_NEWLINE = '\\ No newline at end of file';

/** `edits`: what made the one of the other. Lines that none of them touches need no comparison. */
export function unifiedDiff(
  name: string,
  before: string,
  after: string,
  edits: readonly TextEdit[],
): string {
  if (before === after) return '';
  const known = linesAround(before, edits);
  const isWhole = known.map(({ kind, text }) => (kind === '-' ? '' : text)).join('') === after;
  const lines = isWhole ? known : script(linesOf(before), linesOf(after));
  return [`--- ${name}`, `+++ ${name}`, ...hunksOf(lines)].map((line) => `${line}\n`).join('');
}

function linesAround(before: string, edits: readonly TextEdit[]): Line[] {
  const lines: Line[] = [];
  const sorted = edits.toSorted((a, b) => a.start - b.start);
  const lineStart = (offset: number): number => before.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = (offset: number): number => {
    const end = before.indexOf('\n', offset);
    return end < 0 ? before.length : end + 1;
  };
  let at = 0;
  for (let index = 0; index < sorted.length; ) {
    const start = lineStart(sorted[index]?.start ?? 0);
    let end = start;
    let from = start;
    let text = '';
    // Edits of the same lines are one.
    for (let edit = sorted[index]; edit !== undefined; edit = sorted[index]) {
      if (end > start && edit.start >= end) break;
      text += before.slice(from, edit.start) + edit.text;
      from = edit.end;
      end = Math.max(end, lineEnd(edit.end));
      index++;
    }
    text += before.slice(from, end);
    lines.push(...unchanged(before.slice(at, start)));
    lines.push(...script(linesOf(before.slice(start, end)), linesOf(text)));
    at = end;
  }
  return [...lines, ...unchanged(before.slice(at))];
}

function unchanged(text: string): Line[] {
  return linesOf(text).map((line) => ({ kind: ' ', text: line }));
}

/** Lines with their own ends, so that a last one without is told from one with. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The farthest points on each diagonal, step by step, and the way back through them. */
function script(old: readonly string[], now: readonly string[]): Line[] {
  const trace: Map<number, number>[] = [];
  let reach = new Map<number, number>([[1, 0]]);
  const isDown = (from: ReadonlyMap<number, number>, k: number, d: number): boolean =>
    k === -d || (k !== d && (from.get(k - 1) ?? -1) < (from.get(k + 1) ?? -1));
  search: for (let d = 0; ; d++) {
    trace.push(new Map(reach));
    const next = new Map(reach);
    for (let k = -d; k <= d; k += 2) {
      let x = isDown(reach, k, d) ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      while (x < old.length && x - k < now.length && old[x] === now[x - k]) x++;
      next.set(k, x);
      if (x >= old.length && x - k >= now.length) break search;
    }
    reach = next;
  }
  const lines: Line[] = [];
  let [x, y] = [old.length, now.length];
  for (let d = trace.length - 1; d >= 0; d--) {
    const from = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const before = isDown(from, k, d) ? k + 1 : k - 1;
    const startX = d === 0 ? 0 : (from.get(before) ?? 0);
    const startY = d === 0 ? 0 : startX - before;
    while (x > startX && y > startY) {
      lines.push({ kind: ' ', text: old[--x] ?? '' });
      y--;
    }
    if (d === 0) break;
    if (x > startX) lines.push({ kind: '-', text: old[--x] ?? '' });
    else lines.push({ kind: '+', text: now[--y] ?? '' });
  }
  return lines.toReversed();
}

function hunksOf(lines: readonly Line[]): string[] {
  const output: string[] = [];
  const changes = lines.flatMap(({ kind }, index) => (kind === ' ' ? [] : [index]));
  for (let at = 0; at < changes.length; ) {
    const first = changes[at] ?? 0;
    let last = first;
    while (at < changes.length && (changes[at] ?? 0) - last <= 2 * CONTEXT)
      last = changes[at++] ?? 0;
    const [from, to] = [Math.max(0, first - CONTEXT), Math.min(lines.length, last + CONTEXT + 1)];
    const hunk = lines.slice(from, to);
    output.push(`@@ -${span(lines, from, hunk, '+')} +${span(lines, from, hunk, '-')} @@`);
    for (const { kind, text } of hunk) {
      output.push(kind + text.replace(/\n$/, ''));
      if (!text.endsWith('\n')) output.push(NO_NEWLINE);
    }
  }
  return output;
}

/** `start,count` of one side: the lines that the other side has alone do not count. */
function span(
  lines: readonly Line[],
  from: number,
  hunk: readonly Line[],
  without: string,
): string {
  const count = (some: readonly Line[]): number =>
    some.filter(({ kind }) => kind !== without).length;
  const size = count(hunk);
  return `${count(lines.slice(0, from)) + (size === 0 ? 0 : 1)},${size}`;
}
