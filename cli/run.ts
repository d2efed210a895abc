// One command from its words to its end. Commands on files answer with what they would write; those on a cluster
// write as they go.

import { VERSION } from '../src/version.ts';
import { readWords, splitSubjects, type Words } from './arguments.ts';
import { completionScript, isShell, SHELLS } from './completion.ts';
import { EXIT, type Outcome, outcome } from './exit-codes.ts';
import { type Command, COMMANDS, commandHelp, isCommand, PROGRAM, programHelp } from './help.ts';
import type { World } from './live/context.ts';
import type { ReadFile } from './read-text.ts';
import { type Environment, runFiles } from './run-files.ts';
import { runLive } from './run-live.ts';

/** Where and as what the program runs. */
export type Host = {
  /** The name that it was called by. */
  readonly program: string;
  readonly world: World;
};

export async function run(
  args: readonly string[],
  env: Environment,
  read: ReadFile,
  host?: Host,
): Promise<Outcome> {
  const program = host?.program ?? PROGRAM;
  const [command = '', ...rest] = args;
  if (['--help', '-h', 'help'].includes(command)) {
    const about = rest[0] ?? '';
    const help = isCommand(about) ? commandHelp(about, program) : programHelp(program);
    return outcome(EXIT.ok, help);
  }
  if (command === '--version' || command === 'version') return outcome(EXIT.ok, `${VERSION}\n`);
  // A script that calls it so has made a mistake; a person sees what there is.
  if (command === '') return outcome(EXIT.usage, '', [programHelp(program).trimEnd()]);
  if (!isCommand(command)) {
    const names = Object.keys(COMMANDS).join(', ');
    const isVersion = /^-+v(ersion)?$/i.test(command);
    const remedy = isVersion
      ? 'Remedy: write --version.'
      : `Remedy: write one of ${names}; --help tells more.`;
    return outcome(EXIT.usage, '', [`${command}: unknown command. ${remedy}`]);
  }
  const words = readWords(rest);
  if (words.wantsHelp) return outcome(EXIT.ok, commandHelp(command, program));
  const { subjects, flags } = splitSubjects(COMMANDS[command].options, words.rest);
  const { files } = words;
  const fault = faultOf(command, words, subjects);
  if (fault !== undefined) return outcome(EXIT.usage, '', [fault]);
  const [subject] = subjects;
  if (command === 'inject' || command === 'uninject') {
    return await runFiles(command, files, flags, env, read);
  }
  if ((command === 'explain' || command === 'check') && files.length > 0) {
    return await runFiles(command, files, flags, env, read);
  }
  if (command === 'completion') return completion(subject ?? '', flags);
  if (host === undefined) return outcome(EXIT.failed, '', ['there is no cluster to ask here']);
  return await runLive(command, subject, flags, env, host.world);
}

/** Why these words are no call of the command, or undefined. */
function faultOf(
  command: Command,
  { files, rest, endsWithFile }: Words,
  subjects: readonly string[],
): string | undefined {
  const { usage } = COMMANDS[command];
  const [least, most] = COMMANDS[command].subjects;
  const takesFiles = usage.includes('-f FILE');
  const needsFile = usage === '-f FILE' || (command === 'explain' && subjects.length === 0);
  if (takesFiles && files.length === 0 && (needsFile || endsWithFile)) {
    const other = command === 'explain' ? `${command} POD for one in the cluster, or ` : '';
    const given = rest.find((word) => /^-+file(=|$)/.test(word));
    const what = given === undefined ? '-f: names no file' : `${given}: unknown argument`;
    return `${what}. Remedy: write ${other}${command} -f FILE, or -f - for standard input.`;
  }
  if (files.length > 0 && !takesFiles) {
    return '--filename: unknown argument. Remedy: --help lists every flag.';
  }
  const extra = subjects[files.length > 0 ? 0 : most];
  if (extra !== undefined) return `${extra}: unknown argument. Remedy: --help lists every flag.`;
  if (subjects.length < least) {
    return `${command}: ${usage} is missing. Remedy: write ${command} ${usage}.`;
  }
  return undefined;
}

function completion(shell: string, flags: readonly string[]): Outcome {
  const [flag] = flags;
  if (flag !== undefined) {
    return outcome(EXIT.usage, '', [`${flag}: unknown argument. Remedy: --help tells more.`]);
  }
  if (isShell(shell)) return outcome(EXIT.ok, completionScript(shell));
  const remedy = `Remedy: write one of ${SHELLS.join(', ')}.`;
  return outcome(EXIT.usage, '', [`${shell}: no shell that is known. ${remedy}`]);
}
