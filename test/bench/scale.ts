// The bench of scale: many groups of three on one API server. `npm run bench:scale -- --help`.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { V1Pod } from '@kubernetes/client-node';
import { TIMING_PROFILES } from '../../agent/core/lease-clock.ts';
import { messageOf } from '../../src/errors.ts';
import { createAgentAccount } from '../harness/agent-account.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { podObject, podStatus } from '../harness/pod-object.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { type ManagedProcess, Workspace } from '../harness/workspace.ts';
import { between, requestsOf, total } from './api-metrics.ts';
import { diskFigures, diskWaitsOf } from './etcd-metrics.ts';
import { percentile } from './figures.ts';
import { FlagError } from './options.ts';
import { cpuSecondsOf, load, memoryOf } from './process-cost.ts';
import type { GroupPlan, ScalePlan, ScaleResult } from './scale-plan.ts';

const SIZE = 3;
const GROUPS_PER_NAMESPACE = 10;
const GROUPS_PER_PROCESS = 50;
/** Thousands of TLS handshakes, all on this machine. */
const RAMP_MS_PER_GROUP = 500;
const SETTLING_MS = 15_000;

const HELP = `npm run bench:scale -- [FLAG...]

Many groups of three on one API server (with etcd that waits for the disk): simulated agents with the
real adapters, connections, watches and periods, but without Redis. Everything runs on this machine:
its figures are upper bounds.

  --groups N       (200)
  --minutes N      of measuring, after the agents have started (3)
  --json FILE      writes the figures
  --help
`;

type Options = {
  readonly groups: number;
  readonly minutes: number;
  readonly json: string | undefined;
};

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        groups: { type: 'string' },
        minutes: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new FlagError(messageOf(error).split('. ')[0] ?? '', 'see --help');
  }
}

/** Undefined: help was asked for. */
function readOptions(args: readonly string[]): Options | undefined {
  const { groups: groupsText = '200', minutes: minutesText = '3', json, help } = parse(args);
  if (help === true) return undefined;
  const [groups, minutes] = [Number(groupsText), Number(minutesText)];
  if (!Number.isInteger(groups) || groups < 1 || groups > 2000) {
    throw new FlagError(`--groups: "${groupsText}"`, 'a whole number from 1 to 2000');
  }
  if (!(minutes > 0 && minutes <= 600)) {
    throw new FlagError(`--minutes: "${minutesText}"`, 'a number above 0, at most 600');
  }
  return { groups, minutes, json };
}

async function createPod(plane: ControlPlane, namespace: string, group: string, name: string) {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const shape = {
    name,
    group,
    claim: `data-${name}`,
    managed: true,
    preStop: true,
    nativeSidecar: true,
    graceSeconds: 30,
    labels: {},
    owner: { name: group, uid: '00000000-0000-0000-0000-000000000000' },
  };
  const created = await plane.admin.create<V1Pod>(pods, podObject(shape));
  const startedAt = new Date().toISOString();
  const state = (container: string) => {
    return { name: container, running: true, restarts: 0, startedAt };
  };
  const facts = { ip: '10.244.100.100', startedAt, nativeSidecar: true };
  const status = podStatus({ ...facts, redis: state('redis'), agent: state('agent') });
  await plane.admin.patch(`${pods}/${name}/status`, { status });
  return { name, uid: created.metadata?.uid ?? '' };
}

async function createGroups(plane: ControlPlane, count: number): Promise<readonly GroupPlan[]> {
  const plans: GroupPlan[] = [];
  for (let first = 0; first < count; first += GROUPS_PER_NAMESPACE) {
    const namespace = `scale-${first / GROUPS_PER_NAMESPACE}`;
    const { access } = await createAgentAccount(plane, namespace);
    const numbers = Array.from(
      { length: Math.min(GROUPS_PER_NAMESPACE, count - first) },
      (_, n) => first + n,
    );
    const made = numbers.map(async (number): Promise<GroupPlan> => {
      const name = `redis-${number}`;
      const ordinals = Array.from({ length: SIZE }, (_, ordinal) => ordinal);
      const pods = await Promise.all(
        ordinals.map(async (n) => await createPod(plane, namespace, name, `${name}-${n}`)),
      );
      return { namespace, name, token: access.token, pods };
    });
    plans.push(...(await Promise.all(made)));
  }
  return plans;
}

type Started = { readonly process: ManagedProcess; readonly resultFile: string };

function startAgents(
  plane: ControlPlane,
  groups: readonly GroupPlan[],
  times: Pick<ScalePlan, 'rampMs' | 'fromMs' | 'toMs'>,
): readonly Started[] {
  const { workspace, url, caPem } = plane;
  const started: Started[] = [];
  for (let first = 0; first < groups.length; first += GROUPS_PER_PROCESS) {
    const name = `agents-${first / GROUPS_PER_PROCESS}`;
    const resultFile = join(workspace.directory, `${name}-result.json`);
    const plan: ScalePlan = {
      url,
      caPem,
      ...times,
      groups: groups.slice(first, first + GROUPS_PER_PROCESS),
      resultFile,
    };
    const file = join(workspace.directory, `${name}-plan.json`);
    writeFileSync(file, JSON.stringify(plan), { mode: 0o600 });
    const program = join(REPOSITORY, 'test', 'bench', 'scale-agents.ts');
    const env = { NODE_ENV: 'production' };
    const process_ = workspace.start(name, process.execPath, [program, file], { env });
    started.push({ process: process_, resultFile });
  }
  return started;
}

function resultsOf(started: readonly Started[]): readonly ScaleResult[] {
  return started.map(({ resultFile }) => {
    return JSON.parse(readFileSync(resultFile, 'utf8')) as ScaleResult;
  });
}

function spreadOf(values: readonly number[]) {
  const at = (share: number): number => Number(percentile(values, share).toFixed(1));
  return { n: values.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function measure(plane: ControlPlane, options: Options) {
  const groups = await createGroups(plane, options.groups);
  const rampMs = options.groups * RAMP_MS_PER_GROUP;
  const fromMs = rampMs + SETTLING_MS;
  const measuredMs = options.minutes * 60_000;
  const started = startAgents(plane, groups, { rampMs, fromMs, toMs: fromMs + measuredMs });
  say(`${groups.length * SIZE} agents start within ${rampMs / 1000} s`);
  await pause(fromMs);
  const { pids } = plane;
  const cpuBefore = { apiServer: cpuSecondsOf(pids.apiServer), etcd: cpuSecondsOf(pids.etcd) };
  const before = await requestsOf(plane.admin);
  const disk = await diskWaitsOf(plane.etcdUrl);
  const from = performance.now();
  const loads: number[] = [];
  while (performance.now() - from < measuredMs - 1000) {
    await pause(Math.min(5000, measuredMs - 500 - (performance.now() - from)));
    loads.push(load());
  }
  const seconds = (performance.now() - from) / 1000;
  const counted = between(before, await requestsOf(plane.admin));
  const percentOf = (pid: number, cpu: number): number =>
    Number((((cpuSecondsOf(pid) - cpu) / seconds) * 100).toFixed(1));
  const apiServer = {
    cpu_percent: percentOf(pids.apiServer, cpuBefore.apiServer),
    rss_MiB: Math.round(memoryOf(pids.apiServer).rss_MiB),
  };
  const etcd = {
    cpu_percent: percentOf(pids.etcd, cpuBefore.etcd),
    rss_MiB: Math.round(memoryOf(pids.etcd).rss_MiB),
  };
  const diskWaits = diskFigures(disk, await diskWaitsOf(plane.etcdUrl));
  const exits = await Promise.all(started.map(async (each) => await each.process.exited));
  for (const [index, { code }] of exits.entries()) {
    if (code !== 0) throw new Error(`agents ended: ${started[index]?.process.tail()}`);
  }
  const results = resultsOf(started);
  const sum = (of: (result: ScaleResult) => number): number =>
    results.reduce((all, each) => all + of(each), 0);
  const failed: Record<string, number> = {};
  for (const each of results) {
    for (const [outcome, count] of Object.entries(each.failed)) {
      failed[outcome] = (failed[outcome] ?? 0) + count;
    }
  }
  const byKind = counted
    .filter(({ count }) => count / seconds >= 0.05)
    .map(({ verb, resource, count }) => [
      `${verb} ${resource}`,
      Number((count / seconds).toFixed(2)),
    ]);
  return {
    requestsPerSecond: Number((total(counted) / seconds).toFixed(1)),
    requestsPerSecondByKind: Object.fromEntries(byKind) as Record<string, number>,
    renewalsPerSecondWanted: (options.groups * 1000) / TIMING_PROFILES.balanced.renewMs,
    leaseWrite_ms: spreadOf(results.flatMap(({ renewals_ms }) => renewals_ms)),
    leaseWatch_ms: spreadOf(results.flatMap(({ watched_ms }) => watched_ms)),
    failedRenewals: failed,
    holdersExpired: sum(({ expired }) => expired),
    brokenWatches: sum(({ brokenWatches }) => brokenWatches),
    apiServer,
    etcd: { ...etcd, diskWaits },
    simulatedAgents: {
      processes: results.length,
      cpu_percent: Number(((sum(({ cpuSeconds }) => cpuSeconds) / seconds) * 100).toFixed(1)),
    },
    load: { max: Math.max(...loads) },
  };
}

async function main(options: Options): Promise<number> {
  const workspace = new Workspace();
  try {
    const plane = await startControlPlane(workspace, { fsync: true });
    const figures = await measure(plane, options);
    const machine = { cores: cpus().length, node: process.version, at: new Date().toISOString() };
    const { groups, minutes } = options;
    const result = { machine, groups, size: SIZE, minutes, ...figures };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    }
    return figures.holdersExpired === 0 ? 0 : 1;
  } finally {
    await workspace.close();
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
