// Seeded randomness: xoshiro128** by Blackman and Vigna. The same seed gives the same schedule.

import type { Random } from './ports.ts';

/** Spreads a seed over the generator's state (splitmix32). */
function spread(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

export class SeededRandom implements Random {
  readonly #state: Int32Array;

  /** Two parts of one run that must not disturb each other take a stream each. */
  constructor(seed: number, stream = 0) {
    const next = spread(seed ^ Math.imul(stream + 1, 0x85ebca6b));
    this.#state = Int32Array.from({ length: 4 }, next);
  }

  #next(): number {
    const s = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    s[2] = c ^ a;
    s[3] = d ^ b;
    s[1] = b ^ (s[2] ?? 0);
    s[0] = a ^ (s[3] ?? 0);
    s[2] = (s[2] ?? 0) ^ (b << 9);
    s[3] = rotated(s[3] ?? 0, 11);
    return result;
  }

  real(): number {
    return this.#next() / 0x1_0000_0000;
  }

  integer(below: number): number {
    return Math.floor(this.real() * below);
  }

  chance(probability: number): boolean {
    return this.real() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const picked = items[this.integer(items.length)];
    if (picked === undefined) throw new Error('picked from an empty list');
    return picked;
  }

  hexId(): string {
    let id = '';
    for (let word = 0; word < 5; word++) id += this.#next().toString(16).padStart(8, '0');
    return id;
  }
}
