// Reads the text of INFO. Missing fields are absent, never invented.

export type InfoFields = ReadonlyMap<string, string>;

/** Fields of INFO by name; sections and blank lines are passed over. */
export function parseInfo(text: string): InfoFields {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0 || line.startsWith('#')) continue;
    fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

/** Keys of all databases: `db0:keys=12,expires=0,...`. */
export function countKeys(fields: InfoFields): number {
  let keys = 0;
  for (const [name, value] of fields) {
    if (!/^db\d+$/.test(name)) continue;
    keys += Number(/(?:^|,)keys=(\d+)/.exec(value)?.[1] ?? 0);
  }
  return keys;
}

export function integerField(fields: InfoFields, name: string): number | null {
  const text = fields.get(name);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : null;
}
