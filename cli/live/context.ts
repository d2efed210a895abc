// What a live command is given: a screen, a clock, a cluster, and the end that a person makes of it.

import type { Cluster } from './cluster.ts';
import type { Clock } from './look.ts';
import type { Style } from './spans.ts';

export type Console = {
  /** The result. */
  readonly write: (text: string) => void;
  /** What is said beside it. */
  readonly note: (line: string) => void;
  /** Whether a person looks at the result. */
  readonly isTerminal: boolean;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Null: there is nobody to ask. */
  readonly ask: ((question: string) => Promise<string>) | null;
};

type ClusterOptions = {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly timeoutMs: number;
};

/** The world of a live command. */
export type World = {
  readonly console: Console;
  readonly clock: Clock;
  /** Throws RO_KUBE_CONFIG. */
  readonly connect: (options: ClusterOptions) => Promise<Cluster>;
  /** From this call on Ctrl-C aborts the signal, once; without it, it ends the program. */
  readonly interruption: () => AbortSignal;
  /** Who sits at this machine, where the API server does not tell who asks. */
  readonly user: string;
  readonly newId: () => string;
};

export type Session = World & {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Of the result. */
  readonly style: Style;
};

export type ColorChoice = 'auto' | 'always' | 'never';

/** https://no-color.org: any value but none; a person's flag is stronger. */
export function isColored(choice: ColorChoice, noColor: string | undefined, isTerminal: boolean) {
  if (choice !== 'auto') return choice === 'always';
  return isTerminal && (noColor === undefined || noColor === '');
}
