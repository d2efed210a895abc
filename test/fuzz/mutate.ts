// Texts broken byte by byte, the same for the same seed.

import { seeded } from '../harness/seeded.ts';

/** A whole number from 0, below `limit`. */
export type Random = (limit: number) => number;

export function randomOf(seed: number): Random {
  const next = seeded(seed);
  return (limit) => Math.floor(next() * limit);
}

/** What JSON readers and their callers stumble over. */
const PIECES = [
  'null',
  '[]',
  '{}',
  '""',
  '-1',
  '1e999',
  '"__proto__"',
  '"constructor":{},',
  '"\\u0000"',
  '"\\ud800"',
  '"redis-server"',
  '"$(A)$(A)"',
  '"sh","-c","redis-server"',
  '"redis-orchestrator"',
  'true',
  '[[[[[[[[',
  ',',
  '\\',
  '\u2028',
  `"${'x'.repeat(5000)}"`,
].map((text) => Buffer.from(text));

type Change = (text: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

function spliced(text: Buffer, at: number, dropped: number, piece: Uint8Array): Buffer {
  return Buffer.concat([text.subarray(0, at), piece, text.subarray(at + dropped)]);
}

function pick<T>(list: readonly T[], random: Random): T {
  const chosen = list[random(list.length)];
  if (chosen === undefined) throw new Error('there is nothing to choose from');
  return chosen;
}

/** A value of the JSON text, from its colon to the next comma or bracket. */
function valueAt(text: Buffer, random: Random): { at: number; length: number } {
  const colon = text.indexOf(':', random(text.length));
  if (colon < 0) return { at: random(text.length), length: 1 };
  const rest = text.subarray(colon + 1).toString('latin1');
  const end = rest.search(/[,}\]]/);
  return { at: colon + 1, length: end < 0 ? 1 : end };
}

const CHANGES: readonly Change[] = [
  // One bit, one byte more, some bytes fewer.
  (text, random) => {
    const copy = Buffer.from(text);
    const at = random(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    return copy;
  },
  (text, random) => spliced(text, random(text.length), 0, Uint8Array.of(random(256))),
  (text, random) => spliced(text, random(text.length), 1 + random(20), new Uint8Array()),
  (text, random) => text.subarray(0, random(text.length)),
  // A part once more, elsewhere, or from another one.
  (text, random) => {
    const from = random(text.length);
    return spliced(text, random(text.length), 0, text.subarray(from, from + random(200)));
  },
  (text, random, others) => {
    const other = pick(others, random);
    const from = random(other.length);
    return spliced(text, random(text.length), random(50), other.subarray(from, from + random(400)));
  },
  // Something odd, anywhere or in place of a value.
  (text, random) => spliced(text, random(text.length), random(3), pick(PIECES, random)),
  (text, random) => {
    const { at, length } = valueAt(text, random);
    return spliced(text, at, length, pick(PIECES, random));
  },
  (text, random) => {
    const { at, length } = valueAt(text, random);
    return spliced(text, at, length, pick(PIECES, random));
  },
];

/** One of the corpus with one to four changes. */
function mutated(corpus: readonly Buffer[], random: Random): Buffer {
  let text = pick(corpus, random);
  for (let count = 1 + random(4); count > 0 && text.length > 1; count--) {
    text = pick(CHANGES, random)(text, random, corpus);
  }
  return text;
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString());
    return true;
  } catch {
    return false;
  }
}

/**
 * The same, and in nine of ten cases JSON still: what is none gets no further than the first parser, and costs a
 * connection each time.
 */
export function mostlyJson(corpus: readonly Buffer[], random: Random): Buffer {
  const TRIES_MAX = 50;
  let text = mutated(corpus, random);
  const triesMax = random(10) > 0 ? TRIES_MAX : 0;
  for (let tries = 0; tries < triesMax && !isJson(text); tries++) text = mutated(corpus, random);
  return text;
}
