// Values of JSON from somebody else.

export type Fields = Record<string, unknown>;

export function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
