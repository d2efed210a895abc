// Where nodes stand in the text, and how the text is laid out.

import { isMap, isSeq, type Node, type Pair } from 'yaml';

/** Start of a node as it is written, and the end of what it says, without the comment after it. */
export function rangeOf(node: unknown): readonly [number, number] {
  const range = (node as Node | null)?.range;
  if (range === undefined || range === null) throw new Error('a node without a place');
  return [range[0], range[1]];
}

/** How the document's first list under a key stands to it. */
export function dashesOf(source: string, node: unknown): number | undefined {
  if (isSeq(node) && node.flow !== true)
    return firstOf(node.items, (item) => dashesOf(source, item));
  if (!isMap(node) || node.flow === true) return undefined;
  const column = (offset: number): number => offset - (source.lastIndexOf('\n', offset - 1) + 1);
  return firstOf(node.items as Pair[], ({ key, value }) => {
    const isList = isSeq(value) && value.flow !== true && value.items.length > 0;
    if (!isList) return dashesOf(source, value);
    const behind = column(rangeOf(value)[0]) - column(rangeOf(key)[0]);
    return behind >= 0 ? behind : undefined;
  });
}

function firstOf<T, R>(items: readonly T[], of: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
