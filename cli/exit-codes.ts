// How the program ends; scripts rely on the numbers.

import { printableLines } from './printable.ts';

export const EXIT = {
  ok: 0,
  /** It could not be done: an input that cannot be read, for example. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** status: the group works, and something should be done. check: something should be known. */
  degraded: 3,
  /** status: nobody takes writes, or more than one. check: something will not work. */
  critical: 4,
  /** It was asked for, and cannot be done, or would not be safe. */
  refused: 5,
  /** switchover: it did not come about, and is undone. */
  undone: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Everything that a command says; written only when it is complete. */
export type Outcome = {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
};

export function outcome(code: ExitCode, stdout: string, notes: readonly string[] = []): Outcome {
  return { code, stdout, stderr: notes.map((note) => `${printableLines(note)}\n`).join('') };
}
