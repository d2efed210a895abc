// The local Redis as a process, in a pod that shares its process namespace. What INFO says of its pid holds
// only there: nothing is killed that /proc does not show to be that very server.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { integerField, parseInfo } from '../../src/redis-info.ts';
import type { RedisProcessPort } from '../ports.ts';

const SERVERS: ReadonlySet<string> = new Set(['redis-server', 'valkey-server']);
/** USER_HZ: what Linux counts start times in, on every machine. */
const TICKS_PER_SECOND = 100;
/** INFO's uptime goes by the wall clock, in whole seconds. */
const UPTIME_ERROR_SECONDS = 5;
const NOT_SHARED =
  'the pod does not share its process namespace with the agent (shareProcessNamespace: true)';

type Known = { readonly runId: string; readonly pid: number; readonly startTicks: number };
type Seen = { readonly name: string; readonly startTicks: number };

type Parts = {
  readonly proc: string;
  readonly signal: (pid: number, signal: 'SIGKILL' | 0) => void;
};

export class RedisProcess implements RedisProcessPort {
  readonly #parts: Parts;
  #known: Known | null = null;
  #fault = 'Redis has not said yet which process it is';

  constructor(
    parts: Parts = { proc: '/proc', signal: (pid, signal) => void process.kill(pid, signal) },
  ) {
    this.#parts = parts;
  }

  /** By the text of INFO server. Answers why this process could not be killed, or null. */
  learn(info: string): string | null {
    this.#known = null;
    const fields = parseInfo(info);
    const runId = fields.get('run_id') ?? '';
    const pid = integerField(fields, 'process_id') ?? 0;
    const seen = this.#look(pid);
    const fault = typeof seen === 'string' ? seen : this.#doubt(pid, seen, fields);
    if (fault !== null || typeof seen === 'string') return this.#refuse(fault ?? '');
    this.#known = { runId, pid, startTicks: seen.startTicks };
    return null;
  }

  kill(runId: string): Promise<string | null> {
    return Promise.resolve(this.#kill(runId));
  }

  #kill(runId: string): string | null {
    const known = this.#known;
    if (known === null) return this.#fault;
    if (known.runId !== runId) return 'Redis restarted meanwhile';
    const seen = this.#look(known.pid);
    if (typeof seen === 'string') return seen;
    if (seen.startTicks !== known.startTicks) return `process ${known.pid} is another one by now`;
    return this.#signal(known.pid, 'SIGKILL');
  }

  #refuse(fault: string): string {
    this.#fault = fault;
    return fault;
  }

  /** What else speaks against it: another namespace, a process too young, no right. */
  #doubt(pid: number, { startTicks }: Seen, fields: ReadonlyMap<string, string>): string | null {
    // One number for each nested namespace: its own pid is the one that we see.
    const pids = /^NSpid:\s*(.+)$/m
      .exec(this.#read(String(pid), 'status'))?.[1]
      ?.trim()
      .split(/\s+/);
    if (pids?.length !== 1) return NOT_SHARED;
    const machineSeconds = Number(this.#read('uptime').split(' ')[0]);
    const ageSeconds = machineSeconds - startTicks / TICKS_PER_SECOND;
    const uptimeSeconds = integerField(fields, 'uptime_in_seconds') ?? Number.POSITIVE_INFINITY;
    // A shell that waited before it became the server is older than that.
    const isOldEnough = ageSeconds + UPTIME_ERROR_SECONDS >= uptimeSeconds;
    if (!isOldEnough) return `process ${pid} is younger than Redis: it is another one`;
    return this.#signal(pid, 0);
  }

  #signal(pid: number, signal: 'SIGKILL' | 0): string | null {
    try {
      this.#parts.signal(pid, signal);
      return null;
    } catch (error) {
      const detail = messageOf(error);
      return `the agent may not signal Redis (process ${pid}): run both as the same user (${detail})`;
    }
  }

  /** The server that has this pid, or why it is none. */
  #look(pid: number): Seen | string {
    // "pid (name) state ppid …": a name may hold anything; the start time is the 22nd field.
    const stat = pid > 1 ? this.#read(String(pid), 'stat') : '';
    const end = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, Math.max(0, end));
    const startTicks = Number(stat.slice(end + 2).split(' ')[19] ?? Number.NaN);
    const isServer = SERVERS.has(name) || SERVERS.has(this.#title(pid));
    if (!isServer || !Number.isSafeInteger(startTicks)) return NOT_SHARED;
    return { name, startTicks };
  }

  /** What it calls itself: one that a loader of its own started has the loader's name in the kernel. */
  #title(pid: number): string {
    const words = pid > 1 ? this.#read(String(pid), 'cmdline').split(/[ \0]/) : [];
    const [first = ''] = words.map((word) => basename(word));
    if (!/^ld-(linux|musl)/.test(first)) return first;
    return words.map((word) => basename(word)).find((word) => SERVERS.has(word)) ?? '';
  }

  #read(...path: readonly string[]): string {
    try {
      return readFileSync(join(this.#parts.proc, ...path), 'utf8');
    } catch {
      return '';
    }
  }
}
