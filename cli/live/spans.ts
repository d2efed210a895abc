// Text with a tone, cut and coloured at the very end: widths are those of the plain text. Tone is never the only
// sign of anything. Pure.

import { printable } from '../printable.ts';

export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'warn' | 'bad';
export type Span = { readonly text: string; readonly tone: Tone };
export type Line = readonly Span[];

const CODES: Readonly<Record<Tone, string>> = {
  plain: '',
  strong: '1',
  dim: '2',
  good: '32',
  warn: '33',
  bad: '31',
};

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: printable(text), tone };
}

function colored({ text, tone }: Span, isColored: boolean): string {
  const code = CODES[tone];
  return !isColored || code === '' || text === '' ? text : `\u001b[${code}m${text}\u001b[0m`;
}

/** At most `width` characters; the last one then says that there is more. */
function cut(line: Line, width: number): Line {
  const length = line.reduce((sum, { text }) => sum + Array.from(text).length, 0);
  if (length <= width) return line;
  const kept: Span[] = [];
  let room = width - 1;
  for (const { text, tone } of line) {
    const piece = Array.from(text).slice(0, room).join('');
    room -= Array.from(piece).length;
    kept.push({ text: piece, tone });
  }
  return [...kept, { text: '…', tone: 'dim' }];
}

export type Style = {
  readonly isColored: boolean;
  /** Null: as long as it is. */
  readonly width: number | null;
};

export function lineText(line: Line, { isColored, width }: Style): string {
  const shown = width === null ? line : cut(line, width);
  const text = shown.map((each) => colored(each, isColored)).join('');
  return isColored ? text : text.trimEnd();
}

export function pageText(lines: readonly Line[], style: Style): string {
  return lines.map((line) => `${lineText(line, style)}\n`).join('');
}

/** Columns as wide as their widest cell, two blanks between them. */
export function columns(rows: readonly Line[]): readonly Line[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => Array.from(row[column]?.text ?? '').length)),
  );
  return rows.map((row) =>
    row.map((cell, column) => {
      const isLast = column === row.length - 1;
      const blanks = (widths[column] ?? 0) - Array.from(cell.text).length + 2;
      return isLast ? cell : { ...cell, text: cell.text + ' '.repeat(blanks) };
    }),
  );
}
