// What can be understood of `sh -c "…"`: the one simple command that ends the text and starts the
// server. Anything else stays opaque: a wrong guess would start Redis with other arguments.

const SERVER_WORD = /(?:^|[\s/"'=])(redis|valkey|keydb)-server(?=$|[\s"';&|)])/g;
const SIMPLE_WORD = /"[^"`\\]*"|'[^']*'|[^\s"'`\\|&;<>#*?~!]+/g;

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

export function readShell(text: string): ShellReading {
  const plain = normalise(text);
  const mentions = [...plain.matchAll(SERVER_WORD)].length;
  if (mentions !== 1) return { runsServer: mentions > 0 };
  const last =
    plain
      .split(/\n|;|&&|\|\|/)
      .at(-1)
      ?.trim() ?? '';
  const match = /^(?:exec\s+)?(?:\S*\/)?(?:redis|valkey|keydb)-server(?:\s+(.*))?$/s.exec(last);
  if (match === null) return { runsServer: true };
  const rest = match[1] ?? '';
  const words = rest.match(SIMPLE_WORD) ?? [];
  // Whatever is left when simple words are taken away was not simple.
  if (rest.replace(SIMPLE_WORD, '').trim() !== '') return { runsServer: true };
  return { runsServer: true, serverWords: words.map(unquote) };
}

/** Options that follow the server's name in a text that is not understood: good for facts only. */
export function looseServerWords(text: string): readonly string[] {
  const commands = normalise(text)
    .split(/(?:redis|valkey|keydb)-server(?=\s)/)
    .slice(1);
  return commands.flatMap((command) => {
    const line = command.split(/\n|;|&&|\|\|/)[0] ?? '';
    return (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map(unquote);
  });
}

function unquote(word: string): string {
  return word.replace(/^(["'])(.*)\1$/s, '$2');
}

/** The text with more arguments for the server that ends it. */
export function appendToShell(text: string, words: readonly string[]): string {
  return `${text.trimEnd()} ${words.join(' ')}`;
}
