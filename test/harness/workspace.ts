// What one test file starts: a temporary directory and processes. All of it ends with the test,
// by pid and by nothing else; and by the kernel where the test process itself is killed.

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type StartOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** What the command begins with: enters the network of a pod. */
  readonly enter?: readonly string[];
};

/** Dies with the test process, however that one ends. */
const LEASH = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];

const running = new Set<ManagedProcess>();

process.once('exit', () => {
  for (const each of running) each.signal('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

export class ManagedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;

  constructor(
    name: string,
    program: string,
    args: readonly string[],
    logFile: string,
    options: StartOptions,
  ) {
    this.name = name;
    this.logFile = logFile;
    const log = openSync(logFile, 'a');
    const [first = program, ...rest] = [...LEASH, ...(options.enter ?? []), program, ...args];
    const child = spawn(first, rest, {
      stdio: ['ignore', log, log],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        this.exit = exit;
        running.delete(this);
        resolve(exit);
      };
      child.once('exit', (code, signal) => ended({ code, signal }));
      child.once('error', () => ended({ code: 127, signal: null }));
    });
    this.pid = child.pid ?? 0;
    if (this.pid > 0) running.add(this);
  }

  get isRunning(): boolean {
    return this.exit === undefined;
  }

  /** A process that has ended is never signalled: its pid may be somebody else's by now. */
  signal(signal: NodeJS.Signals): void {
    if (this.exit !== undefined || this.pid === 0) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It ended this very moment; the exit event follows.
    }
  }

  /** Asks with `signal`, then kills after `graceMs`; returns when the process is gone. */
  async stop(graceMs = 3000, signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (this.exit !== undefined) return this.exit;
    this.signal(signal);
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return await this.exited;
  }

  /** The last lines of its output, for a failure's message. */
  tail(lines = 12): string {
    const text = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  }
}

export class Workspace {
  readonly directory: string;
  private readonly processes: ManagedProcess[] = [];
  private readonly endings: (() => Promise<void> | void)[] = [];

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'ro-test-'));
  }

  /** A directory of its own below the workspace. */
  folder(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  start(
    name: string,
    program: string,
    args: readonly string[],
    options: StartOptions = {},
  ): ManagedProcess {
    const logFile = join(this.folder('logs'), `${name}.log`);
    const started = new ManagedProcess(name, program, args, logFile, options);
    this.processes.push(started);
    return started;
  }

  /** Runs at the end, last registered first, before the processes are killed. */
  atEnd(ending: () => Promise<void> | void): void {
    this.endings.unshift(ending);
  }

  /** RO_KEEP_LOGS=1 keeps the directory for a look afterwards. */
  async close(): Promise<void> {
    for (const ending of this.endings) await ending();
    for (const each of this.processes) each.signal('SIGKILL');
    await waitFor('our processes end', () => this.processes.every((each) => !each.isRunning), {
      timeoutMs: 10_000,
    });
    if (process.env['RO_KEEP_LOGS'] !== '1') {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}
