// What can be understood of `sh -c "…"`: the one simple command that ends the text and starts the
// server. Anything else stays opaque: a wrong guess would start Redis with other arguments.

import { shellWords } from './shell-words.ts';

const SERVER = '(?:redis|valkey|keydb)-server';
const SERVER_WORD = new RegExp(`(?:^|[\\s/"'=(])${SERVER}(?=$|[\\s"';&|)])`, 'g');
/** What may stand before the server's name in its own command: it runs what follows it. */
const BEFORE = [
  'exec',
  'nohup',
  'setsid',
  'env',
  'stdbuf(?:\\s+-\\S+)+',
  'nice(?:\\s+-n\\s*-?\\d+|\\s+--?\\d+)?',
  'taskset\\s+(?:-c\\s+)?[\\w,-]+',
  '(?:gosu|su-exec)\\s+[\\w.:-]+',
  '[A-Za-z_]\\w*=[\\w./:@%+,-]*',
].join('|');
const LAST_COMMAND = new RegExp(
  `^(?:(?:${BEFORE})\\s+)*(?:[\\w./-]*/)?${SERVER}(?:\\s+(.*))?$`,
  's',
);

export type ShellReading = {
  /** The text mentions a server program at all. */
  readonly runsServer: boolean;
  /** Words after the server's name where the last command is simple. */
  readonly serverWords?: readonly string[];
};

/** Text with line continuations joined, ended where trailing blanks begin. */
function normalise(text: string): string {
  return text.replace(/\\\r?\n/g, ' ').trimEnd();
}

/** `positional`: what follows the text in the container's command, `$0` first. */
export function readShell(text: string, positional: readonly string[] = []): ShellReading {
  const plain = normalise(text);
  const mentions = [...plain.matchAll(SERVER_WORD)].length;
  if (mentions !== 1) return { runsServer: mentions > 0 };
  const last =
    plain
      .split(/\n|;|&&|\|\|/)
      .at(-1)
      ?.trim() ?? '';
  const match = LAST_COMMAND.exec(last);
  const words = match === null ? undefined : shellWords(match[1] ?? '');
  if (words === undefined) return { runsServer: true };
  return { runsServer: true, serverWords: words.flatMap((word) => expand(word, positional)) };
}

/** `"$@"` and `$1` are words of the container's command. */
function expand(word: string, positional: readonly string[]): readonly string[] {
  if (word === '$@' || word === '$*' || word === '${@}') return positional.slice(1);
  const number = /^\$\{?(\d)\}?$/.exec(word)?.[1];
  return [number === undefined ? word : (positional[Number(number)] ?? '')];
}

/** Options that follow the server's name in a text that is not understood: good for facts only. */
export function looseServerWords(text: string): readonly string[] {
  const commands = normalise(text)
    .split(/(?:redis|valkey|keydb)-server(?=\s)/)
    .slice(1);
  return commands.flatMap((command) => {
    const line = command.split(/\n|;|&&|\|\|/)[0] ?? '';
    return (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
      word.replace(/^(["'])(.*)\1$/s, '$2').replace(/[)}]{1,9}$/, ''),
    );
  });
}

/** Where the text ends, but for blanks and for line continuations behind which nothing comes. */
function endOfWords(text: string): number {
  let end = text.trimEnd().length;
  while (/^\\\r?\n/.test(text.slice(end - 1, end + 2))) {
    end = text.slice(0, end - 1).trimEnd().length;
  }
  return end;
}

/** The text with more arguments for the server that ends it. */
export function appendToShell(text: string, words: readonly string[]): string {
  const end = endOfWords(text);
  // What follows stays behind: a backslash before our blank would make it a part of the word.
  return `${text.slice(0, end)} ${words.join(' ')}${text.slice(end)}`;
}

/** The inverse; undefined where the words do not end the text. */
export function removeFromShell(text: string, words: readonly string[]): string | undefined {
  const end = endOfWords(text);
  const body = text.slice(0, end);
  const added = ` ${words.join(' ')}`;
  return body.endsWith(added) ? `${body.slice(0, -added.length)}${text.slice(end)}` : undefined;
}
