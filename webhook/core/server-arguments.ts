// redis-server's own rules for its arguments [from its source]: the first word that starts with no
// dash is the config file, `-` as first or last word is standard input; options follow as `--name value …`,
// also in one word ("--port 6380"), whose quotes Redis takes off; right after a bare `--name` also a word with
// dashes is its value; the last one of a name wins; the command line beats the file.

import { redisWords } from '../../src/redis-words.ts';

export type ServerOptions = {
  readonly configFile?: string;
  /** The last word is `-`, and not the first: nothing may be put behind it. */
  readonly endsInStandardInput: boolean;
  /** Lower-case name to the words of its last value. */
  readonly options: ReadonlyMap<string, readonly string[]>;
};

/** An empty list of save points is written by leaving the value out. */
const MAY_BE_BARE = new Set(['save', 'sentinel']);

/** `words` follow the server's own name. */
export function readServerArguments(words: readonly string[]): ServerOptions {
  const options = new Map<string, string[]>();
  let configFile: string | undefined;
  let current: string[] | undefined;
  /** A bare name waits for its value. */
  let isWaiting = false;
  words.forEach((word, index) => {
    const isEdge = index === 0 || index === words.length - 1;
    if (word === '-' && isEdge) return;
    if (index === 0 && !word.startsWith('-')) configFile = word === '' ? undefined : word;
    else if (word.startsWith('--') && word.length > 2 && !isWaiting) {
      const [name = '', ...values] = redisWords(word.slice(2)) ?? [word.slice(2)];
      current = values;
      isWaiting = values.length === 0 && !MAY_BE_BARE.has(name.toLowerCase());
      options.set(name.toLowerCase(), current);
    } else {
      current?.push(word);
      isWaiting = false;
    }
  });
  const endsInStandardInput = words.length > 1 && words.at(-1) === '-';
  return { ...(configFile === undefined ? {} : { configFile }), endsInStandardInput, options };
}

/** The only value of an option, or undefined. */
export function optionValue(server: ServerOptions, name: string): string | undefined {
  return server.options.get(name)?.[0];
}
