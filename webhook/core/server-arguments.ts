// redis-server's own rules for its arguments [from its source]: the first word that starts with no
// dash is the config file, `-` is standard input; options follow as `--name value …`, also in one
// word ("--port 6380"); the last one of a name wins; the command line beats the file.

export type ServerOptions = {
  readonly configFile?: string;
  readonly readsStandardInput: boolean;
  /** Lower-case name to the words of its last value. */
  readonly options: ReadonlyMap<string, readonly string[]>;
};

/** `words` follow the server's own name. */
export function readServerArguments(words: readonly string[]): ServerOptions {
  const options = new Map<string, string[]>();
  let configFile: string | undefined;
  let readsStandardInput = false;
  let current: string[] | undefined;
  words.forEach((word, index) => {
    if (word.startsWith('--') && word.length > 2) {
      const [name = '', ...values] = splitWords(word.slice(2));
      current = values;
      options.set(name.toLowerCase(), current);
    } else if (word === '-' && current === undefined) readsStandardInput = true;
    else if (current === undefined && index === 0 && word !== '') configFile = word;
    else current?.push(word);
  });
  return { ...(configFile === undefined ? {} : { configFile }), readsStandardInput, options };
}

/** One word may hold an option with its values; quotes are Redis's own. */
function splitWords(text: string): string[] {
  return (text.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
    word.replace(/^(["'])(.*)\1$/s, '$2'),
  );
}

/** The only value of an option, or undefined. */
export function optionValue(server: ServerOptions, name: string): string | undefined {
  return server.options.get(name)?.[0];
}
