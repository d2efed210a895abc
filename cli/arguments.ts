// The short forms of flags, as kubectl has them, in terms of the long ones that the option tables know; and which
// words are flags at all.

import type { OptionTable } from '../src/options.ts';

export const SHORT: Readonly<Record<string, string>> = {
  '-f': '--filename',
  '-n': '--namespace',
  '-A': '--all-namespaces',
  '-o': '--output',
  '-w': '--watch',
  '-v': '--verbose',
  '-h': '--help',
};

export type Words = {
  /** Files named by -f, in order. */
  readonly files: readonly string[];
  /** All else, for the option table. */
  readonly rest: readonly string[];
  readonly wantsHelp: boolean;
  /** The last word is a -f that names nothing. */
  readonly endsWithFile: boolean;
};

/** `-f FILE`, `-f=FILE` and `--filename …` may come several times. */
export function readWords(args: readonly string[]): Words {
  const files: string[] = [];
  const rest: string[] = [];
  let wantsHelp = false;
  let endsWithFile = false;
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    const [, short = '', value] = /^(-[A-Za-z])(?:=(.*))?$/s.exec(word) ?? [];
    const long = SHORT[short];
    const whole = long === undefined ? word : value === undefined ? long : `${long}=${value}`;
    if (whole === '--help') wantsHelp = true;
    else if (whole === '--filename' && args[index + 1] !== undefined)
      files.push(args[++index] ?? '');
    else if (whole.startsWith('--filename=')) files.push(whole.slice('--filename='.length));
    else if (whole === '--filename') endsWithFile = true;
    else rest.push(whole);
  }
  return { files, rest, wantsHelp, endsWithFile };
}

/** The words that belong to no flag, and all others. */
export function splitSubjects(
  table: OptionTable,
  words: readonly string[],
): { readonly subjects: readonly string[]; readonly flags: readonly string[] } {
  const bare = new Set(
    Object.values(table)
      .filter(({ kind }) => kind === 'boolean')
      .map(({ flag }) => `--${flag}`),
  );
  const subjects: string[] = [];
  const flags: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const next = words[index + 1];
    if (!word.startsWith('-')) subjects.push(word);
    else {
      flags.push(word);
      // Also that of a flag that is not known: it is no mistake of its own.
      const takesNext = !bare.has(word) && !word.includes('=');
      if (takesNext && next !== undefined && !/^--[a-z]/.test(next)) {
        flags.push(next);
        index++;
      }
    }
  }
  return { subjects, flags };
}
