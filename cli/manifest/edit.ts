// From a document and the value that it should have to edits of its text: whatever is not changed keeps its
// bytes, with comments, quotes, anchors and order. Whether the edited text says what it should is checked by
// rewrite.ts, which knows a way out; so nothing here need understand every corner of YAML.

import { isDeepStrictEqual } from 'node:util';
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { YAMLMap, YAMLSeq } from 'yaml';
import { alignItems } from './align.ts';
import { isMap as isPlainMap, type Fields } from '../../src/json.ts';
import type { ParsedDocument } from './parse.ts';
import { dashesOf, rangeOf } from './layout.ts';
import { blockText, itemText, pairText, quoted, type Style } from './render.ts';
import { scalarEdit } from './scalar-edit.ts';
import type { TextEdit } from './text-edit.ts';

export function editsOf(source: string, document: ParsedDocument, target: unknown): TextEdit[] {
  const editor = new Editor(source, document);
  editor.node(document.contents, target, { indent: 0, isFlow: false, after: document.range[0] });
  return editor.edits;
}

/** Where a value stands. */
type Place = {
  /** Of the key or dash before it. */
  readonly indent: number;
  readonly isFlow: boolean;
  /** End of the colon or dash. */
  readonly after: number;
};

class Editor {
  readonly edits: TextEdit[] = [];
  readonly #source: string;
  readonly #document: ParsedDocument;
  readonly #style: Style;
  /** What anchors will stand for, where that changes. */
  readonly #changed = new Map<string, unknown>();

  constructor(source: string, document: ParsedDocument) {
    this.#source = source;
    this.#document = document;
    this.#style = { dashes: dashesOf(source, document.contents) ?? 2 };
  }

  #edit(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text });
  }

  node(node: unknown, target: unknown, place: Place): void {
    if (isAlias(node)) return this.#alias(node, target, place);
    if (isScalar(node) || isCollection(node)) {
      const now = node.toJS(this.#document) as unknown;
      const isSame = isDeepStrictEqual(now, target);
      const { anchor } = node;
      if (anchor !== undefined) {
        if (isSame) this.#changed.delete(anchor);
        else this.#changed.set(anchor, target);
      }
      // Below, an alias of something that changes may stand.
      if (isSame && this.#changed.size === 0) return;
      const isFilled = typeof target === 'object' && target !== null && !isEmpty(target);
      if (isMap(node) && isFilled && isPlainMap(target)) return this.#map(node, target, place);
      if (isSeq(node) && isFilled && Array.isArray(target)) return this.#seq(node, target, place);
      if (isSame) return;
      const edit = isScalar(node) ? scalarEdit(this.#source, node, target) : undefined;
      if (edit !== undefined) this.edits.push(edit);
      else this.#replace(node, target, place);
      return;
    }
    // Nothing at all stands there.
    if ((target ?? null) !== null)
      this.#edit(place.after, place.after, this.#valueText(target, place));
  }

  #valueText(target: unknown, place: Place): string {
    return place.isFlow ? ` ${quoted(target)}` : blockText(target, place.indent, this.#style);
  }

  #replace(node: Node, target: unknown, place: Place): void {
    const [, end] = [rangeOf(node)[0], this.#endOf(node)];
    const isLine = this.#source[end - 1] === '\n';
    const [start] = rangeOf(node);
    const isAlone = start < end && this.#source.slice(place.after, start).trim() === '';
    // In JSON nothing at all is no value; the blank after the colon, or none, stays as it is.
    if (place.isFlow && isAlone) return this.#edit(start, end, quoted(target));
    const text = target === null ? '' : this.#valueText(target, place);
    this.#edit(place.after, end, isLine ? `${text}\n` : text);
  }

  #alias(node: Node & { source: string }, target: unknown, place: Place): void {
    const now = this.#changed.has(node.source)
      ? this.#changed.get(node.source)
      : node.toJS(this.#document);
    if (!isDeepStrictEqual(now, target)) this.#replace(node, target, place);
  }

  /** End of the content of a node, before blanks and comments that follow it. */
  #endOf(node: unknown): number {
    if (isPair(node)) return this.#endOf(node.value ?? node.key);
    const isBlock = isCollection(node) && node.flow !== true;
    const last = isBlock ? node.items.at(-1) : undefined;
    return last === undefined ? rangeOf(node)[1] : this.#endOf(last);
  }

  #lineStart(offset: number): number {
    return this.#source.lastIndexOf('\n', offset - 1) + 1;
  }

  /** Lines for behind the line in which something ends. */
  #insertLines(end: number, lines: string): void {
    const source = this.#source;
    const isNextLine = end > 0 && source[end - 1] === '\n';
    const lineEnd = isNextLine ? end - 1 : source.indexOf('\n', end);
    if (lineEnd < 0) this.#edit(source.length, source.length, `\n${lines}`);
    else this.#edit(lineEnd + 1, lineEnd + 1, `${lines}\n`);
  }

  /** Whole lines, where something begins its line and ends another. */
  #removeLines(start: number, end: number): void {
    const source = this.#source;
    const from = this.#lineStart(start);
    const isNextLine = source[end - 1] === '\n';
    const lineEnd = isNextLine ? end - 1 : source.indexOf('\n', end);
    this.#edit(from, lineEnd < 0 ? source.length : lineEnd + 1, '');
  }

  #isLineStart(offset: number): boolean {
    return /^ *$/.test(this.#source.slice(this.#lineStart(offset), offset));
  }

  #map(map: YAMLMap, target: Fields, place: Place): void {
    const isFlow = map.flow === true || place.isFlow;
    const merged = map.toJS(this.#document) as Fields;
    const pairs = map.items as Pair<Node, Node | null>[];
    const named = pairs.map((pair) => ({ pair, key: keyText(pair) }));
    const own = new Set(named.map(({ key }) => key));
    const isGone = (key: string): boolean => key !== MERGE && !Object.hasOwn(target, key);
    const first = pairs[0];
    const indent =
      first === undefined ? 0 : rangeOf(first.key)[0] - this.#lineStart(rangeOf(first.key)[0]);
    for (const [index, { pair, key }] of named.entries()) {
      if (isGone(key)) this.#removePair(pairs, index, isFlow);
      else if (key !== MERGE) {
        const after = this.#source.indexOf(':', rangeOf(pair.key)[1]) + 1;
        this.node(pair.value, target[key], { indent, isFlow, after });
      }
    }
    const added = Object.entries(target).filter(
      ([key, value]) => !own.has(key) && !isDeepStrictEqual(merged[key], value),
    );
    if (added.length === 0) return;
    if (isFlow) {
      const texts = added.map(([key, value]) => `${quoted(key)}: ${quoted(value)}`);
      const laid = added.map(
        ([key, value], at) => [texts[at] ?? '', `${quoted(key)}: ${pretty(value)}`] as const,
      );
      this.#insertFlow(map, laid);
      return;
    }
    const lines = added.map(([key, value]) => pairText(key, value, indent, this.#style));
    this.#insertLines(this.#endOf(map), lines.join('\n'));
  }

  #removePair(pairs: readonly Pair<Node, Node | null>[], index: number, isFlow: boolean): void {
    const pair = pairs[index];
    if (pair === undefined) return;
    const start = rangeOf(pair.key)[0];
    const next = pairs[index + 1];
    if (isFlow) this.#removeFlow(pairs, index);
    else if (this.#isLineStart(start)) this.#removeLines(start, this.#endOf(pair));
    else if (next !== undefined) this.#edit(start, rangeOf(next.key)[0], '');
  }

  /** One of several things between brackets, with one of the commas. */
  #removeFlow(items: readonly unknown[], index: number): void {
    const startOf = (item: unknown): number => rangeOf(isPair(item) ? item.key : item)[0];
    const before = items[index - 1];
    const next = items[index + 1];
    if (before !== undefined) this.#edit(this.#endOf(before), this.#endOf(items[index]), '');
    else if (next !== undefined) this.#edit(startOf(items[index]), startOf(next), '');
  }

  /** Each as one line, and as several where the brackets stand on lines of their own. */
  #insertFlow(
    node: YAMLMap | YAMLSeq,
    items: readonly (readonly [short: string, long: string])[],
  ): void {
    const source = this.#source;
    const [start, end] = rangeOf(node);
    const last: unknown = node.items.at(-1);
    if (last === undefined) {
      this.#edit(start + 1, end - 1, items.map(([short]) => short).join(', '));
      return;
    }
    const at = this.#endOf(last);
    const isTall = source.slice(at, end).includes('\n');
    const [lastStart] = rangeOf(isPair(last) ? last.key : last);
    const margin = ' '.repeat(lastStart - this.#lineStart(lastStart));
    const text = items
      .map(([short, long]) =>
        isTall ? `,\n${margin}${long.replaceAll('\n', `\n${margin}`)}` : `, ${short}`,
      )
      .join('');
    this.#edit(at, at, text);
  }

  #seq(seq: YAMLSeq, target: readonly unknown[], place: Place): void {
    const isFlow = seq.flow === true || place.isFlow;
    const items = seq.items as unknown[];
    const [start] = rangeOf(seq);
    const indent = start - this.#lineStart(start);
    const now = items.map((item) =>
      isAlias(item) || isScalar(item) || isCollection(item)
        ? (item.toJS(this.#document) as unknown)
        : null,
    );
    const steps = alignItems(now, target);
    const tail: unknown[] = [];
    for (const step of steps) {
      const item = step.from === undefined ? undefined : items[step.from];
      if (step.to === undefined && step.from !== undefined)
        this.#removeItem(items, step.from, isFlow);
      else if (step.from !== undefined && step.to !== undefined) {
        const after = isFlow ? this.#startOf(item) : this.#dashOf(item) + 1;
        this.node(item, target[step.to], { indent, isFlow, after });
      } else if (step.to !== undefined) {
        const next = steps.find(({ from }) => from !== undefined && from >= step.before)?.from;
        if (next === undefined) tail.push(target[step.to]);
        else this.#insertItem(items[next], target[step.to], indent, isFlow);
      }
    }
    if (tail.length === 0) return;
    if (isFlow) {
      this.#insertFlow(
        seq,
        tail.map((item) => [quoted(item), pretty(item)] as const),
      );
      return;
    }
    const lines = tail.map((item) => itemText(item, indent, this.#style));
    this.#insertLines(this.#endOf(seq), lines.join('\n'));
  }

  #startOf(item: unknown): number {
    const first: unknown = isMap(item) && item.flow !== true ? item.items[0]?.key : item;
    return rangeOf(first)[0];
  }

  #dashOf(item: unknown): number {
    return this.#source.lastIndexOf('-', rangeOf(item)[0] - 1);
  }

  #removeItem(items: readonly unknown[], index: number, isFlow: boolean): void {
    const item = items[index];
    if (isFlow) return this.#removeFlow(items, index);
    const dash = this.#dashOf(item);
    if (this.#isLineStart(dash)) this.#removeLines(dash, this.#endOf(item));
  }

  #insertItem(next: unknown, value: unknown, indent: number, isFlow: boolean): void {
    if (isFlow) {
      const [start] = rangeOf(next);
      this.#edit(start, start, `${quoted(value)}, `);
      return;
    }
    const line = this.#lineStart(this.#dashOf(next));
    this.#edit(line, line, `${itemText(value, indent, this.#style)}\n`);
  }
}

const MERGE = '<<';

function keyText({ key }: Pair<Node, Node | null>): string {
  // The library has a symbol for the key of a merge.
  return isScalar(key) ? (typeof key.value === 'symbol' ? MERGE : String(key.value)) : '';
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
