// docs/state.schema.json, held strictly: what it does not describe is a fault, too. The published one lets later
// versions add fields.

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, strict(value)]),
  );
  return 'properties' in schema ? { ...inner, additionalProperties: false } : inner;
}

const text = readFileSync(new URL('../../docs/state.schema.json', import.meta.url), 'utf8');
const ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': isTime } });
const validate = ajv.compile(strict(JSON.parse(text)) as object);

function isTime(value: string): boolean {
  return !Number.isNaN(Date.parse(value));
}

/** Each as one sentence; none: it is as described. */
export function stateFaults(state: unknown): readonly string[] {
  if (validate(state)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
