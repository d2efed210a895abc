// Completion for shells: the commands, the flags of each and their choices, from the tables. Pure.

import type { OptionSpec } from '../src/options.ts';
import { SHORT } from './arguments.ts';
import { type Command, COMMANDS } from './help.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function isShell(word: string): word is Shell {
  return SHELLS.some((shell) => shell === word);
}

const NAMES = Object.keys(COMMANDS) as Command[];

function specsOf(command: Command): readonly OptionSpec[] {
  return Object.values<OptionSpec>(COMMANDS[command].options);
}

function shortOf(flag: string): string | undefined {
  return Object.entries(SHORT).find(([, long]) => long === `--${flag}`)?.[0];
}

function flagsOf(command: Command): readonly string[] {
  const flags = specsOf(command).flatMap(({ flag }) => [shortOf(flag) ?? [], `--${flag}`].flat());
  return [...flags, '--help'];
}

/** What may stand in place of a subject. */
function subjectsOf(command: Command): readonly string[] {
  return command === 'completion' ? SHELLS : [];
}

const FILES: readonly string[] = ['filename', 'kubeconfig'];

export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash();
    case 'zsh':
      return zsh();
    case 'fish':
      return fish();
  }
}

/** What may follow each flag of a command that takes a value: its choices, files, or what nobody can guess. */
function bashValues(command: Command): readonly string[] {
  return specsOf(command).flatMap(({ flag, kind, choices }) => {
    if (kind === 'boolean') return [];
    const names = [shortOf(flag) ?? [], `--${flag}`].flat();
    const words = names.map((name) => `'${command} ${name}'`).join('|');
    const files = FILES.includes(flag) ? '_redis_orchestrator_files "$current"; ' : '';
    const act = choices === undefined ? `${files}return` : `words='${choices.join(' ')}'`;
    return [`    ${words}) ${act} ;;`];
  });
}

// mapfile and compopt are not in the bash of macOS.
function bash(): string {
  const flags = NAMES.map(
    (name) => `      ${name}) words='${[...subjectsOf(name), ...flagsOf(name)].join(' ')}' ;;`,
  );
  return `# redis-orchestrator: completion for bash. source <(redis-orchestrator completion bash)
_redis_orchestrator_files() {
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$1")
}
_redis_orchestrator() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=''
  COMPREPLY=()
  # --flag=value is three words here.
  if [ "$current" = = ]; then current=''
  elif [ "$before" = = ]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case "\${COMP_WORDS[1]} $before" in
${NAMES.flatMap(bashValues).join('\n')}
  esac
  if [ -z "$words" ]; then
    if [ "$COMP_CWORD" -eq 1 ]; then words='${NAMES.join(' ')} --help --version'
    else case \${COMP_WORDS[1]} in
${flags.join('\n')}
      help) words='${NAMES.join(' ')}' ;;
    esac; fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _redis_orchestrator redis-orchestrator
`;
}

/** In a text between single quotes that _arguments reads. */
function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, (char) => `\\${char}`);
}

/** One that is not declared would end the completion of all that follows it. */
function zshSubject(name: Command): readonly string[] {
  const { usage, subjects } = COMMANDS[name];
  if (subjects[1] === 0) return [];
  const words = subjectsOf(name);
  const what =
    words.length === 0 ? (/[A-Z]+/.exec(usage)?.[0] ?? 'subject').toLowerCase() : 'shell';
  return [`'1:${what}:${words.length === 0 ? '' : `(${words.join(' ')})`}'`];
}

function zsh(): string {
  const commands = NAMES.map((name) => `    '${name}:${zshText(COMMANDS[name].summary)}'`);
  const cases = NAMES.map((name) => {
    const flags = specsOf(name).map((spec) => {
      const { flag, kind, text, choices: some } = spec;
      const isFile = FILES.includes(flag);
      const value = some === undefined ? (isFile ? '_files' : '') : `(${some.join(' ')})`;
      const tail = kind === 'boolean' ? '' : `:${flag}:${value}`;
      const short = shortOf(flag);
      // It may come several times.
      const star = flag === 'filename' ? '*' : '';
      const shorts = short === undefined ? [] : [`'${star}${short}[${zshText(text)}]${tail}'`];
      const long = `'${star}--${flag}${kind === 'boolean' ? '' : '='}[${zshText(text)}]${tail}'`;
      return [...shorts, long].join(' ');
    });
    const parts = [...zshSubject(name), ...flags, "'--help[help]'"];
    return `    ${name}) _arguments ${parts.join(' \\\n        ')} ;;`;
  });
  return `#compdef redis-orchestrator
# redis-orchestrator: completion for zsh. Put it as _redis-orchestrator into a folder of $fpath.
_redis_orchestrator() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_redis-orchestrator" ]; then _redis_orchestrator "$@"
else compdef _redis_orchestrator redis-orchestrator; fi
`;
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fish(): string {
  const program = 'complete -c redis-orchestrator';
  const isNone = '-n __fish_use_subcommand';
  const lines = NAMES.flatMap((name) => {
    const isIt = `-n '__redis_orchestrator_is ${name}'`;
    const own = specsOf(name).map(({ flag, kind, text, choices: some }) => {
      const short = shortOf(flag);
      const isFile = FILES.includes(flag);
      const value =
        kind === 'boolean'
          ? ''
          : some === undefined
            ? isFile
              ? ' -r -F'
              : ' -x'
            : ` -x -a ${fishText(some.join(' '))}`;
      const letter = short === undefined ? '' : ` -s ${short.slice(1)}`;
      return `${program} ${isIt} -l ${flag}${letter}${value} -d ${fishText(text)}`;
    });
    const subjects = subjectsOf(name);
    const first =
      subjects.length === 0 ? [] : [`${program} ${isIt} -a ${fishText(subjects.join(' '))}`];
    return [
      `${program} ${isNone} -a ${name} -d ${fishText(COMMANDS[name].summary)}`,
      ...first,
      ...own,
    ];
  });
  return `# redis-orchestrator: completion for fish. Put it as ~/.config/fish/completions/redis-orchestrator.fish
function __redis_orchestrator_is -d 'whether that is the command: a group may have the name of one'
  set -l words (commandline -opc)
  test "$words[2]" = $argv[1]
end
${program} -f
${program} -l help -s h -d 'help'
${lines.join('\n')}
`;
}
