// The short forms of flags, as kubectl has them, in terms of the long ones that the option tables know.

const SHORT: Readonly<Record<string, string>> = {
  '-f': '--filename',
  '-n': '--namespace',
  '-o': '--output',
  '-h': '--help',
};

export type Words = {
  /** Files named by -f, in order. */
  readonly files: readonly string[];
  /** All else, for the option table. */
  readonly rest: readonly string[];
  readonly wantsHelp: boolean;
};

/** `-f FILE`, `-f=FILE` and `--filename …` may come several times. */
export function readWords(args: readonly string[]): Words {
  const files: string[] = [];
  const rest: string[] = [];
  let wantsHelp = false;
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    const [, short = '', value] = /^(-[a-z])(?:=(.*))?$/s.exec(word) ?? [];
    const long = SHORT[short];
    const whole = long === undefined ? word : value === undefined ? long : `${long}=${value}`;
    if (whole === '--help') wantsHelp = true;
    else if (whole === '--filename' && args[index + 1] !== undefined)
      files.push(args[++index] ?? '');
    else if (whole.startsWith('--filename=')) files.push(whole.slice('--filename='.length));
    else rest.push(whole);
  }
  return { files, rest, wantsHelp };
}
