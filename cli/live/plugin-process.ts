// One run of a credential plugin as a process: it ends in time, and what it started ends with it.

import { type ChildProcess, spawn } from 'node:child_process';

/** Between the request to end and the end, and for the last words of one that failed. */
const MOMENT_MS = 300;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export type Ending =
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly why: string }
  | {
      readonly kind: 'ended';
      readonly code: number | null;
      readonly stdout: string;
      readonly stderr: string;
    };

export type Run = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** It may ask whoever sits here. */
  readonly isInteractive: boolean;
  readonly timeoutMs: number;
  /** Whether this output says all that is needed. */
  readonly isWhole: (stdout: string) => boolean;
};

export async function runPlugin(run: Run): Promise<Ending> {
  const { command, args, env, isInteractive, timeoutMs, isWhole } = run;
  const child = spawn(command, [...args], {
    env,
    // Who is asked to log in must see it.
    stdio: [isInteractive ? 'inherit' : 'ignore', 'pipe', isInteractive ? 'inherit' : 'pipe'],
    // A group of its own can be ended as a whole; but it has no terminal to ask for a password at.
    detached: !isInteractive,
  });
  const forget = endWithUs(child, !isInteractive);
  const texts = { stdout: '', stderr: '' };
  return await new Promise<Ending>((resolve) => {
    let exit: { readonly code: number | null } | null = null;
    let lastWords: NodeJS.Timeout | undefined;
    const done = (ending: Ending): void => {
      clearTimeout(timer);
      clearTimeout(lastWords);
      // What it started itself may hold on to them, and we would wait for that.
      child.stdout?.destroy();
      child.stderr?.destroy();
      if (ending.kind !== 'late') forget();
      resolve(ending);
    };
    const ended = (code: number | null): void => done({ kind: 'ended', code, ...texts });
    const timer = setTimeout(() => {
      endGroup(child, !isInteractive, 'SIGTERM');
      setTimeout(() => {
        endGroup(child, !isInteractive, 'SIGKILL');
        forget();
      }, MOMENT_MS);
      done({ kind: 'late' });
    }, timeoutMs);
    // A helper that it leaves behind may hold its output open for ever.
    const isTold = (): boolean => exit?.code === 0 && isWhole(texts.stdout);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      texts.stdout += text;
      if (isTold()) ended(0);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
    child.on('error', ({ message }) => done({ kind: 'failed', why: message }));
    child.on('exit', (code) => {
      exit = { code };
      if (isTold()) ended(0);
      else if (code !== 0) lastWords = setTimeout(() => ended(code), MOMENT_MS);
    });
    child.on('close', ended);
  });
}

function endGroup(child: ChildProcess, isGroup: boolean, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, signal);
  } catch {
    // It is gone.
  }
}

/** Ctrl-C at the terminal does not reach a group of its own. What it answers ends that. */
function endWithUs(child: ChildProcess, isGroup: boolean): () => void {
  const kill = (): void => endGroup(child, isGroup, 'SIGKILL');
  // Where somebody else listens, the program goes on, and the run ends in time.
  const heard = isGroup ? SIGNALS.filter((name) => process.listenerCount(name) === 0) : [];
  const pass = (signal: NodeJS.Signals): void => {
    kill();
    forget();
    process.kill(process.pid, signal);
  };
  const forget = (): void => {
    process.off('exit', kill);
    for (const name of heard) process.off(name, pass);
  };
  process.once('exit', kill);
  for (const name of heard) process.once(name, pass);
  return forget;
}
