// New pieces of a manifest as text, in the style of what stands around them. Every reader of YAML must take
// them for the same: kubectl reads `yes` and `0777` by the rules of YAML 1.1, so that texts are quoted unless
// they look like nothing else.

import { isMap } from '../../src/json.ts';

export type Style = {
  /** How far the dashes of a list stand behind the key before it. */
  readonly dashes: number;
};

const PLAIN = /^[A-Za-z/][\w./-]*(?: [\w./-]+)*$/;
/** Booleans and nulls of YAML 1.1, in any case; `y` and `n` with them. */
const WORD = /^(?:y|n|yes|no|on|off|true|false|null)$/i;
/** In between quotes YAML has no raw control characters, and its readers differ about these. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** In double quotes: valid as JSON, too. */
export function quoted(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function inlineText(value: unknown): string {
  if (typeof value !== 'string') return quoted(value);
  if (PLAIN.test(value) && !WORD.test(value)) return value;
  // A text that is JSON itself stays readable.
  const isPrintable = /^[\x20-\x7e]*$/.test(value) && !value.includes("'");
  return value.includes('"') && isPrintable ? `'${value}'` : quoted(value);
}

function isSimple(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.keys(value).length === 0;
}

/** What follows `key:` where the key stands at `indent`. */
export function blockText(value: unknown, indent: number, style: Style): string {
  if (isSimple(value)) return ` ${inlineText(value)}`;
  if (Array.isArray(value)) {
    const at = indent + style.dashes;
    return value.map((item) => `\n${itemText(item, at, style)}`).join('');
  }
  return `\n${mapText(value as Record<string, unknown>, indent + 2, style)}`;
}

export function pairText(key: string, value: unknown, indent: number, style: Style): string {
  return `${' '.repeat(indent)}${inlineText(key)}:${blockText(value, indent, style)}`;
}

function mapText(map: Record<string, unknown>, indent: number, style: Style): string {
  return Object.entries(map)
    .map(([key, value]) => pairText(key, value, indent, style))
    .join('\n');
}

/** One item of a list whose dashes stand at `indent`. */
export function itemText(item: unknown, indent: number, style: Style): string {
  const dash = `${' '.repeat(indent)}-`;
  if (isMap(item) && !isSimple(item))
    return `${dash} ${mapText(item, indent + 2, style).trimStart()}`;
  return `${dash} ${isSimple(item) ? inlineText(item) : quoted(item)}`;
}

/** A whole document. */
export function documentText(value: unknown, style: Style): string {
  if (isMap(value) && !isSimple(value)) return mapText(value, 0, style);
  if (Array.isArray(value) && !isSimple(value)) {
    return value.map((item) => itemText(item, 0, style)).join('\n');
  }
  return inlineText(value);
}
