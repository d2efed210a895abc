// Whether two values of JSON say the same: the order of a map's keys means nothing.

type Holder = Readonly<Record<string, unknown>>;

export function sameContent(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isHolder(one) || !isHolder(other)) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  let more = 0;
  for (const key of Object.keys(one)) {
    // JSON has no undefined: a key that has it is not there.
    if (one[key] === undefined) continue;
    if (!Object.hasOwn(other, key) || !sameContent(one[key], other[key])) return false;
    more++;
  }
  for (const key of Object.keys(other)) {
    if (other[key] !== undefined) more--;
  }
  return more === 0;
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null;
}
