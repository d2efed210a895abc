// The world as it is: the screen, the clock, Ctrl-C, and who sits here.

import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { printable, printableLines } from '../printable.ts';
import type { Console, World } from './context.ts';

/** What a terminal has that tells no size, or none but zero. */
const SIZE = { columns: 80, rows: 24 };
/** The client library needs it (package.json of undici). */
const NODE_MIN = [22, 19] as const;

function console(): Console {
  const { stdout, stderr, stdin } = process;
  return {
    write: (text) => void stdout.write(text),
    note: (line) => void stderr.write(`${printableLines(line)}\n`),
    isTerminal: stdout.isTTY,
    size: () => ({
      columns: known(stdout.columns, SIZE.columns),
      rows: known(stdout.rows, SIZE.rows),
    }),
    ask:
      stdin.isTTY && stderr.isTTY ? async (question) => await askOn(stdin, stderr, question) : null,
  };
}

/** What others wrote is a part of some questions: none of them may look like another one. */
export async function askOn(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  question: string,
): Promise<string> {
  const lines = createInterface({ input, output });
  try {
    return await lines.question(printable(question));
  } finally {
    lines.close();
  }
}

function known(told: number | undefined, otherwise: number): number {
  return told === undefined || told === 0 ? otherwise : told;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

function nodeFault(): string | undefined {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [leastMajor, leastMinor] = NODE_MIN;
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const needed = `whoever speaks to a cluster needs Node ${NODE_MIN.join('.')} or newer`;
  const remedy =
    'Remedy: install it, or call npx redis-orchestrator in a checkout, which brings it';
  return isEnough ? undefined : `${needed}, and this is ${process.version}. ${remedy}`;
}

export function world(): World {
  const ending = new AbortController();
  return {
    console: console(),
    clock: {
      now: () => Date.now(),
      // Who ends the wait ends it without an error, and that one alone: what must be waited for after Ctrl-C takes
      // its time, or it would ask without a pause.
      sleep: async (ms) => {
        const { signal } = ending;
        await pause(ms, undefined, signal.aborted ? {} : { signal }).catch(() => undefined);
      },
    },
    connect: async (options) => {
      const fault = nodeFault();
      if (fault !== undefined) throw new Error(fault);
      // It is large: whoever asks no cluster does not load it.
      const { connect } = await import('./kube-cluster.ts');
      return connect(options);
    },
    interruption: () => {
      // A second time it ends the program, whatever that does.
      process.once('SIGINT', () => ending.abort());
      return ending.signal;
    },
    user: userName(),
    newId: () => randomUUID(),
  };
}
