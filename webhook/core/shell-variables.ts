// What the text of a shell makes of a variable before the server's command. Only a plain list of commands is
// followed; where a condition or a loop decides, the value stays unknown, because a wrong one is worse.

import { shellWords } from './shell-words.ts';

export type Assigned =
  /** The variable is what the container's environment says. */
  | { readonly kind: 'untouched' }
  /** It is this text, as the shell reads it after `before`. */
  | { readonly kind: 'value'; readonly text: string; readonly before: string }
  | { readonly kind: 'opaque' };

const SERVER = /(?:redis|valkey|keydb)-server(?![\w-])/g;
/** Whether the commands before may be left out, or run several times. */
const CONTROL = /<<|[|&]|[({]\s|\b(?:if|then|else|elif|fi|case|esac|for|while|until|do|done)\b/;

/** What runs before the last command that names the server. */
export function beforeServer(text: string): string {
  const plain = text.replace(/\\\r?\n/g, ' ');
  const last = [...plain.matchAll(SERVER)].at(-1)?.index ?? plain.length;
  const line = Math.max(plain.lastIndexOf('\n', last), plain.lastIndexOf(';', last)) + 1;
  // `a && exec redis-server`: the server runs where all before it on its line did.
  const chained = plain.slice(line, last).split('&&').slice(0, -1);
  return [plain.slice(0, line), ...chained].join(';');
}

/** Something in the text may set `name`: as an assignment, or by a command that is given it. */
function mentions(text: string, name: string): boolean {
  return new RegExp(
    `(?:^|[^\\w$-])${name}\\+?=|\\$\\{${name}:?=|\\b(?:read|unset|for|printf|getopts|mapfile|readarray)\\b[^\\n;|&]{0,200}\\b${name}\\b`,
  ).test(text);
}

export function assignedBefore(before: string, name: string): Assigned {
  if (!mentions(before, name)) return { kind: 'untouched' };
  if (CONTROL.test(withoutQuoted(before))) return { kind: 'opaque' };
  const statements = before.split(/[\n;]/);
  const at = statements.findLastIndex((statement) => mentions(statement, name));
  const pattern = new RegExp(`^\\s*(?:(?:export|readonly)\\s+)?${name}=(.*)$`, 's');
  const [, text] = pattern.exec(statements[at] ?? '') ?? [];
  const words = text === undefined ? undefined : text === '' ? [''] : wordsOf(text);
  const [only, ...more] = words ?? [];
  if (only === undefined || more.length > 0) return { kind: 'opaque' };
  return { kind: 'value', text: only, before: statements.slice(0, at).join('\n') };
}

/** `$(cat /file)` in quotes is one word; within single quotes nothing is expanded, which a word does not show. */
function wordsOf(text: string): readonly string[] | undefined {
  return text.includes("'") && /[$`]/.test(text) ? undefined : shellWords(text);
}

function withoutQuoted(text: string): string {
  return text.replace(/'[^']*'|"[^"]*"/g, '').replace(/\$\([^()]*\)|\$\{[^{}]*\}/g, '');
}
