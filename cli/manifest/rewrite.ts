// Puts changed values into a manifest's text and reads the result again: what comes out says exactly what it
// should, or it is no result at all.

import { isDeepStrictEqual } from 'node:util';
import { editsOf } from './edit.ts';
import type { TextEdit } from './text-edit.ts';
import type { Manifest, ParsedDocument } from './parse.ts';
import { readDocuments } from './parse.ts';
import { documentText } from './render.ts';

export type Rewritten = {
  readonly text: string;
  /** What was done to the manifest's text. */
  readonly edits: readonly TextEdit[];
  /** Documents (counted from 0) whose comments and style could not be kept. */
  readonly flattened: readonly number[];
};

/** `targets`: by number of document; others keep their bytes. */
export function rewrite(manifest: Manifest, targets: ReadonlyMap<number, unknown>): Rewritten {
  const { text, documents, values } = manifest;
  const wanted = values.map((value, index) => (targets.has(index) ? targets.get(index) : value));
  const numbers = [...targets.keys()].filter(
    (index) => !isDeepStrictEqual(values[index], wanted[index]),
  );
  // Nearly always all of them can be edited, and one reading is enough to know it.
  const whole = attempt(() => {
    const edits = numbers.flatMap((index) => {
      const document = documents[index];
      return document === undefined ? [] : inStyle(text, editsOf(text, document, wanted[index]));
    });
    return { text: apply(text, edits, text), edits };
  });
  if (whole !== undefined && says(whole.text, wanted)) return { ...whole, flattened: [] };
  return oneByOne(manifest, numbers, wanted);
}

/** From the last one to the first, so that places stay true. */
function oneByOne(
  { text, documents, values }: Manifest,
  numbers: readonly number[],
  wanted: readonly unknown[],
): Rewritten {
  const flattened: number[] = [];
  const done: TextEdit[] = [];
  let result = text;
  for (const index of numbers.toSorted((a, b) => b - a)) {
    const document = documents[index];
    if (document === undefined) continue;
    const expected = values.map((value, at) => (at >= index ? wanted[at] : value));
    const edits = attempt(() => inStyle(text, editsOf(text, document, wanted[index]))) ?? [];
    const edited = attempt(() => apply(result, edits, text));
    if (edited !== undefined && says(edited, expected)) {
      result = edited;
      done.push(...edits);
      continue;
    }
    flattened.unshift(index);
    const anew = inStyle(text, [flat(text, document, wanted[index])]);
    const plain = apply(result, anew, text);
    if (!says(plain, expected)) {
      throw new Error(`document ${index + 1} cannot be written back; nothing was written`);
    }
    result = plain;
    done.push(...anew);
  }
  return { text: result, edits: done, flattened };
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** With the line ends that the text has. */
function inStyle(text: string, edits: readonly TextEdit[]): TextEdit[] {
  if (!text.includes('\r\n')) return [...edits];
  return edits.map((edit) => ({ ...edit, text: edit.text.replaceAll('\n', '\r\n') }));
}

/** `edits` are places of `original`, of which `text` has the same beginning. */
function apply(text: string, edits: readonly TextEdit[], original: string): string {
  // Equal places keep their order: what is within something comes before what follows it.
  const sorted = edits
    .map((edit, index) => ({ ...edit, index }))
    .toSorted((a, b) => a.start - b.start || a.index - b.index);
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, text: inserted } of sorted) {
    if (start < at) throw new Error('edits overlap');
    pieces.push(text.slice(at, start), inserted);
    at = end;
  }
  const result = [...pieces, text.slice(at)].join('');
  // Where the last line was removed, the one before it ends the text now.
  return original.endsWith('\n') ? result : result.replace(/\r?\n$/, '');
}

function says(text: string, expected: readonly unknown[]): boolean {
  const documents = readDocuments(text);
  return (
    documents.length === expected.length &&
    documents.every(
      (document, index) =>
        document.errors.length === 0 && isDeepStrictEqual(document.toJS(), expected[index]),
    )
  );
}

/** The document anew, in plain style. */
function flat(source: string, { contents, range }: ParsedDocument, target: unknown): TextEdit {
  const start = contents?.range[0] ?? range[1];
  const end = Math.max(contents?.range[1] ?? start, start);
  const isJson = source[start] === '{' || source[start] === '[';
  const text = isJson ? JSON.stringify(target, null, 2) : documentText(target, { dashes: 2 });
  return { start, end, text: source[end - 1] === '\n' ? `${text}\n` : text };
}
