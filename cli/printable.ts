// Text of others as a terminal may be given it: what agents, people and servers wrote must not steer it. Pure.

import { stringify } from 'yaml';

/** A line of its own: also a line break is one of the characters that steer. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

/** The lines are ours. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** The same value; JSON itself leaves the second set of control characters and those of direction as they are. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same value: text that holds one of these characters is always written between double quotes. */
export function yamlText(value: unknown): string {
  return stringify(value).replaceAll(
    /[\u007f-\u009f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16)}`,
  );
}
