// The real processes of a pod, seen from the host: its cgroup carries the pod's UID.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TOKEN = 'var/run/secrets/kubernetes.io/serviceaccount/token';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended meanwhile.
    return '';
  }
}

function processesOf(podUid: string): number[] {
  const names = [podUid, podUid.replaceAll('-', '_')];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      const cgroup = read(`/proc/${entry}/cgroup`);
      return names.some((name) => cgroup.includes(name));
    })
    .map(Number);
}

/** The one process of the pod whose command line has `word`. */
function processWith(podUid: string, word: RegExp): number {
  const found = processesOf(podUid).filter((pid) => word.test(read(`/proc/${pid}/cmdline`)));
  const [pid] = found;
  if (pid === undefined) throw new Error(`no process ${word} in the pod ${podUid}`);
  return pid;
}

export function redisPid(podUid: string): number {
  return processWith(podUid, /(redis|valkey)-server/);
}

export function agentPid(podUid: string): number {
  return processWith(podUid, /agent\.mjs/);
}

/** Resident memory of the pod's program of ours, in MiB. */
export function residentMib(podUid: string, program: 'agent' | 'webhook'): number {
  const pid = processWith(podUid, new RegExp(`${program}\\.mjs`));
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/status tells no VmRSS`);
  return Number(kib) / 1024;
}

function filesOf(pid: number): string {
  return join('/proc', String(pid), 'root');
}

/** The token that the agent's container sees. */
export function agentToken(podUid: string): string {
  const pid = agentPid(podUid);
  return readFileSync(join(filesOf(pid), TOKEN), 'utf8').trim();
}

export function redisHasToken(podUid: string): boolean {
  return existsSync(join(filesOf(redisPid(podUid)), TOKEN));
}
