// How the program ends; scripts rely on the numbers.

export const EXIT = {
  ok: 0,
  /** It could not be done: an input that cannot be read, for example. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** check: something should be known. */
  degraded: 3,
  /** check: something will not work. */
  critical: 4,
  /** Somebody asked by a label or annotation for what cannot be done. */
  refused: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Everything that a command says; written only when it is complete. */
export type Outcome = {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
};

export function outcome(code: ExitCode, stdout: string, notes: readonly string[] = []): Outcome {
  return { code, stdout, stderr: notes.map((note) => `${note}\n`).join('') };
}
