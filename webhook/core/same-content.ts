// Whether two values of JSON say the same: the order of a map's keys means nothing.

export function sameContent(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isHolder(one) || !isHolder(other)) return false;
  if (Array.isArray(one) || Array.isArray(other)) return sameItems(one, other);
  const keys = definedKeys(one);
  return (
    keys.length === definedKeys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameContent(one[key], other[key]))
  );
}

type Holder = Readonly<Record<string, unknown>>;

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null;
}

function sameItems(one: unknown, other: unknown): boolean {
  return (
    Array.isArray(one) &&
    Array.isArray(other) &&
    one.length === other.length &&
    one.every((item, at) => sameContent(item, other[at]))
  );
}

/** JSON has no undefined: a key that has it is not there. */
function definedKeys(holder: Holder): readonly string[] {
  return Object.keys(holder).filter((key) => holder[key] !== undefined);
}
