// The options with which redis-server starts: those of its command line, and those of the variable that the
// image's entrypoint adds to it.

import type { Command } from './command.ts';
import { referencesIn, resolveText } from './environment.ts';
import type { Image } from './image.ts';
import { type Container, type EnvVar, envOf, list } from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import { readServerArguments, type ServerOptions } from './server-arguments.ts';

export type FlagsVariable = {
  readonly name: string;
  readonly entry: EnvVar;
  /** The entrypoint puts its words behind the arguments, so that the fence in them does not have the last word. */
  readonly isLast: boolean;
};

/**
 * Bitnami's scripts put `REDIS_EXTRA_FLAGS` before the arguments, redis-stack has `REDIS_ARGS` in their place. The
 * official entrypoint of Valkey ends with `exec "$@" $VALKEY_EXTRA_FLAGS` [its docker-entrypoint.sh, all of 7.2 to
 * 9.2]; that of Redis reads no such variable.
 */
function variableNames(container: Container, image: Image, command: Command): readonly string[] {
  switch (image.family) {
    case 'bitnami':
      return ['REDIS_EXTRA_FLAGS', 'VALKEY_EXTRA_FLAGS'];
    case 'stack':
      return ['REDIS_ARGS', 'VALKEY_ARGS'];
    case 'official': {
      const runsEntrypoint =
        list(container.command).length === 0 ||
        list(container.command).some((word) => word.endsWith('docker-entrypoint.sh'));
      // Behind the text of a shell its words would be the shell's.
      const isServer = command.kind === 'arguments' && image.product === 'valkey';
      return isServer && runsEntrypoint ? ['VALKEY_EXTRA_FLAGS'] : [];
    }
    case 'custom':
    case 'none':
      return [];
  }
}

/** The variable, where the container itself sets it. */
export function flagsVariable(
  container: Container,
  image: Image,
  command: Command,
): FlagsVariable | undefined {
  const isLast = image.family === 'official';
  for (const name of variableNames(container, image, command)) {
    const entry = envOf(container, name);
    const isSet = (entry?.valueFrom ?? undefined) !== undefined || (entry?.value ?? '') !== '';
    if (entry !== undefined && isSet) return { name, entry, isLast };
  }
  return undefined;
}

/** More than anybody writes: each may stand for a text of some thousand words. */
const REFERENCES_MAX = 50;

/** As the entrypoint splits it. References stay: what a Secret supplies for one value hides no other option. */
function wordsOf(container: Container, { entry }: FlagsVariable): readonly string[] {
  const split = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
  const words = split(entry.value ?? '');
  let left = REFERENCES_MAX;
  return words.flatMap((word, index) => {
    if (!mayHoldOptions(words, index) || left-- <= 0) return [word];
    // It may hold several of them: `$(COMMON_FLAGS) --port 6380`.
    const text = resolveText(container, word);
    return text === undefined ? [word] : split(text);
  });
}

/** A reference that is not the value of an option before it. */
function mayHoldOptions(words: readonly string[], index: number): boolean {
  const word = words[index] ?? '';
  const isValue = words[index - 1]?.startsWith('--') === true;
  const isReference = word.includes('$(') && referencesIn(word).length > 0;
  return isReference && !isValue && !word.startsWith('--');
}

export function serverOptions(container: Container, image: Image, command: Command): ServerOptions {
  const server = command.kind === 'no-server' ? readServerArguments([]) : command.server;
  const variable = flagsVariable(container, image, command);
  if (variable === undefined) return server;
  const added = readServerArguments(wordsOf(container, variable));
  const [first, last] = variable.isLast ? [server, added] : [added, server];
  return { ...server, options: new Map([...first.options, ...last.options]) };
}

/** Whether options may come from where they are not seen; a single value of a visible option is no option. */
export function flagsWarnings(
  container: Container,
  image: Image,
  command: Command,
): readonly Reason[] {
  const variable = flagsVariable(container, image, command);
  if (variable === undefined) return [];
  const { name, entry, isLast } = variable;
  // Where the fence stands in the variable alone, `boot-fence-hidden` says so.
  if ((entry.valueFrom ?? undefined) !== undefined) {
    return isLast ? [reason('flags-hidden', { name })] : [];
  }
  const words = wordsOf(container, variable);
  return words.some((_, index) => mayHoldOptions(words, index))
    ? [reason('flags-hidden', { name })]
    : [];
}
