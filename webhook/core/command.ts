// How a container starts: as a server whose arguments are understood, as a server behind something
// opaque, or as no server at all (a Redis image that sleeps or runs redis-cli is a client).

import { type Image, readImage } from './image.ts';
import { type Container, list } from './pod.ts';
import { readServerArguments, type ServerOptions } from './server-arguments.ts';
import { looseServerWords, readShell } from './shell.ts';

export type Command =
  /** Arguments are appended to `args`; `prefix` must come first where there are none yet. */
  | {
      readonly kind: 'arguments';
      readonly server: ServerOptions;
      readonly prefix: readonly string[];
    }
  /** The text of `sh -c` ends with the server; it stands in `field[index]`. */
  | {
      readonly kind: 'shell';
      readonly server: ServerOptions;
      readonly field: 'command' | 'args';
      readonly index: number;
    }
  /** The image's own start: no command, no arguments, and new ones would replace it. */
  | { readonly kind: 'image'; readonly server: ServerOptions }
  | { readonly kind: 'opaque'; readonly server: ServerOptions }
  | { readonly kind: 'no-server' };

const SERVERS = new Set(['redis-server', 'valkey-server', 'keydb-server', 'redis-stack-server']);
const SHELLS = new Set(['sh', 'bash', 'ash', 'dash']);
/** Programs that run what follows them; behind any other first word the name may be a host's. */
const WRAPPER =
  /^(tini(-static)?|dumb-init|gosu|su-exec|setpriv|nice|ionice|numactl|env|exec|catatonit|nohup|stdbuf|taskset|setsid|chrt|timeout|.*\.sh)$/;
const NONE = readServerArguments([]);

function baseName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}

/** Paths that tell a mirrored image of Bitnami's kind. */
export function imageOf(container: Container): Image {
  return readImage(container.image, [
    ...list(container.command),
    ...list(container.args),
    ...list(container.volumeMounts).map((mount) => `${mount.mountPath}/`),
  ]);
}

export function readCommand(container: Container, image: Image): Command {
  const command = list(container.command);
  const args = list(container.args);
  const words = [...command, ...args];
  if (words.length === 0) return startOfImage(image);
  const shell = readShellWords(command, args);
  if (shell !== undefined) return shell;
  const at = words.findIndex((word) => SERVERS.has(baseName(word)));
  if (at === 0 || (at > 0 && WRAPPER.test(baseName(words[0] ?? '')))) {
    return { kind: 'arguments', server: readServerArguments(words.slice(at + 1)), prefix: [] };
  }
  if (image.family === 'none') return { kind: 'no-server' };
  const rest = withoutEntrypoint(words);
  if (rest.length === 0) return startOfImage(image);
  const first = rest[0] ?? '';
  const isServerWord = first.startsWith('-') || first.endsWith('.conf');
  if (isServerWord && (command.length === 0 || rest.length < words.length)) {
    // Bitnami's entrypoint would run these words instead of its own script.
    if (image.family === 'bitnami' && rest.length === words.length) return { kind: 'no-server' };
    return { kind: 'arguments', server: readServerArguments(rest), prefix: [] };
  }
  return startOf(first.endsWith('.sh'));
}

/** Of words without a server: a script may start one. */
function startOf(isScript: boolean): Command {
  return isScript ? { kind: 'opaque', server: NONE } : { kind: 'no-server' };
}

function startOfImage(image: Image): Command {
  switch (image.family) {
    case 'official':
      return { kind: 'arguments', server: NONE, prefix: serverPrefix(image) };
    case 'bitnami':
    case 'stack':
      return { kind: 'image', server: NONE };
    case 'custom':
      return { kind: 'opaque', server: NONE };
    case 'none':
      return { kind: 'no-server' };
  }
}

/** The official images' own CMD, written out: right with and without their entrypoint. */
function serverPrefix(image: Image): readonly string[] {
  return image.family === 'official' ? [`${image.product}-server`] : [];
}

/** Entrypoints of the known images hand their arguments on to the server. */
function withoutEntrypoint(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) =>
    /^(docker-entrypoint\.sh|run\.sh|run-server\.sh)$/.test(baseName(word)),
  );
  return at < 0 ? words : words.slice(at + 1);
}

/** A word like a shell's name may be anything's value: `redis-server --dir /data/dash`. */
function isArgument(words: readonly string[], at: number): boolean {
  const first = words[0] ?? '';
  const isOfServer = words.slice(0, at).some((word) => SERVERS.has(baseName(word)));
  return at > 0 && (isOfServer || first.startsWith('-') || first.endsWith('.conf'));
}

function readShellWords(command: readonly string[], args: readonly string[]): Command | undefined {
  const words = [...command, ...args];
  const shellAt = words.findIndex((word) => SHELLS.has(baseName(word)));
  if (shellAt < 0 || isArgument(words, shellAt)) return undefined;
  const flagAt = words.findIndex((word, index) => index > shellAt && /^-[a-z]*c$/.test(word));
  if (flagAt < 0) {
    const script = words[shellAt + 1] ?? '';
    return startOf(script.endsWith('.sh') || script.includes('/'));
  }
  const at = words[flagAt + 1] === '--' ? flagAt + 2 : flagAt + 1;
  const text = words[at] ?? '';
  const reading = readShell(text, words.slice(at + 1));
  if (!reading.runsServer) return startOf(/\.sh\s*$/.test(text));
  if (reading.serverWords === undefined) {
    return { kind: 'opaque', server: readServerArguments(looseServerWords(text)) };
  }
  const inCommand = at < command.length;
  return {
    kind: 'shell',
    server: readServerArguments(reading.serverWords),
    field: inCommand ? 'command' : 'args',
    index: inCommand ? at : at - command.length,
  };
}
