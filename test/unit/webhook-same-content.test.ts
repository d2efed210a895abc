// When two values of JSON say the same: told by their texts with all keys in order, which is slower.

import * as fc from 'fast-check';
import { test } from 'tap';
import { sameContent } from '../../webhook/core/same-content.ts';

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
}

function sameText(one: unknown, other: unknown): boolean {
  return JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, inner]) => [key, turned(inner)]));
}

/** Small, so that two of them are often the same, or nearly. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 0, 1, '', 'a', undefined),
    fc.array(fc.constantFrom(null, 0, 'a'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', '0', '__proto__'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

void test('the order of keys means nothing', (t) => {
  fc.assert(fc.property(value, (one) => sameContent(one, turned(one))));
  t.end();
});

void test('all else means something', (t) => {
  const seen = { same: 0, different: 0 };
  const agrees = fc.property(value, value, (one, other) => {
    const isSame = sameContent(one, other);
    seen[isSame ? 'same' : 'different']++;
    return isSame === sameText(one, other);
  });
  fc.assert(agrees, { numRuns: 5000 });
  t.ok(seen.same > 100 && seen.different > 1000, JSON.stringify(seen));
  t.end();
});

void test('a list is no map with numbers for keys', (t) => {
  t.notOk(sameContent(['a'], { 0: 'a' }));
  t.notOk(sameContent({}, []));
  t.notOk(sameContent([], null));
  t.end();
});
