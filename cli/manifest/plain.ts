// Values of JSON: what a manifest says, without how it is written.

import { type Fields, isMap } from '../../src/json.ts';

/** A copy in which nothing is shared: two aliases of one anchor become two values. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]));
}

export type Path = readonly (string | number)[];

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((holder, key) => (holder as Fields | undefined)?.[key], value);
}

/** `value` with another one at `path`, in place; with an empty path it is the other one. */
export function putAt(value: unknown, path: Path, inner: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return inner;
  (valueAt(value, path.slice(0, -1)) as Fields)[last] = inner;
  return value;
}
