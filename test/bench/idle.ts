// The bench of rest: what agents cost when nothing happens. `npm run bench:idle -- --help`.

import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { TIMING_PROFILES } from '../../agent/core/lease-clock.ts';
import { messageOf } from '../../src/errors.ts';
import { createAgentAccount } from '../harness/agent-account.ts';
import { agentProgram, imageEnv, imageFlags } from '../harness/agent-program.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import { Group } from '../harness/group.ts';
import { inCluster } from '../harness/in-cluster.ts';
import { groupPicture, oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { openLoopback } from '../harness/pod-network.ts';
import { redisVersion } from '../harness/redis-server.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { between, requestsOf, total, writesOf } from './api-metrics.ts';
import { aligned } from './figures.ts';
import { IDLE_HELP, type IdleOptions, readIdleOptions } from './idle-options.ts';
import { FlagError } from './options.ts';
import { activeFileMiB, cpuSecondsOf, load, memoryOf } from './process-cost.ts';
import { COMMON_REDIS_ARGS } from './system.ts';

const SETTLING_MS = 30_000;
const SAMPLE_MS = 15_000;
const LISTEN_MS = 30_000;
/** Above it the caches of a core are shared with too much else: its figures of CPU are left out. */
const LOAD_MAX = 4;
const GOALS = { workingSet_MiB: 64, cpu_percent: 1, writesPerRenew: 1 };
const WORKING_SET =
  'no cgroup: computed from /proc/PID/smaps_rollup as anonymous memory, page tables and those resident ' +
  'file pages that the kernel holds for active (all of them where that is not shown). The kubelet ' +
  'charges file pages, mostly the program of node, to the first container of a node that reads them: ' +
  'for all others it shows about anonymous_MiB. They become active as containers restart: at worst ' +
  'rss_MiB counts, once for a node';

type Cost = {
  rss_MiB: number;
  anonymous_MiB: number;
  workingSet_MiB: number;
  /** Of one core. */
  cpu_percent: number;
  apiRequestsPerMinute: number;
};

type GroupCost = {
  readonly size: number;
  readonly agent: Cost;
  readonly master: Cost;
  readonly replica: Cost | null;
  readonly peerBytesPerMinute: number;
  readonly apiRequestsPerMinute: number;
  readonly apiWrites: Readonly<Record<string, number>>;
  readonly apiWritesPerRenew: number;
  readonly load: { readonly max: number; readonly calmShare: number };
};

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** One agent over the time of the measurement. */
class Watched {
  readonly pod: Pod;
  readonly isMaster: boolean;
  private readonly memories: ReturnType<typeof memoryOf>[] = [];
  private readonly all = { seconds: 0, cpu: 0 };
  private readonly calm = { seconds: 0, cpu: 0 };
  private cpuBefore: number;

  constructor(pod: Pod, isMaster: boolean) {
    this.pod = pod;
    this.isMaster = isMaster;
    this.cpuBefore = cpuSecondsOf(this.pid);
  }

  private get pid(): number {
    return this.pod.agent.process.pid;
  }

  sample(seconds: number, isCalm: boolean): void {
    const cpu = cpuSecondsOf(this.pid);
    for (const each of isCalm ? [this.all, this.calm] : [this.all]) {
      each.seconds += seconds;
      each.cpu += cpu - this.cpuBefore;
    }
    this.memories.push(memoryOf(this.pid));
    // What the look itself costs the process is not the process's.
    this.cpuBefore = cpuSecondsOf(this.pid);
  }

  /** Memory: the greatest of all samples. CPU: of calm times, or of all where none was. */
  cost(apiRequestsPerMinute: number): Cost {
    const { pid } = this;
    const used = this.calm.seconds > 0 ? this.calm : this.all;
    const most = (of: (memory: ReturnType<typeof memoryOf>) => number): number =>
      Math.max(...this.memories.map(of));
    return rounded({
      rss_MiB: most(({ rss_MiB }) => rss_MiB),
      anonymous_MiB: most(({ anonymous_MiB }) => anonymous_MiB),
      workingSet_MiB: most(({ rss_MiB, anonymous_MiB, tables_MiB }) => {
        const files = rss_MiB - anonymous_MiB;
        return anonymous_MiB + tables_MiB + Math.min(files, activeFileMiB(pid) ?? files);
      }),
      cpu_percent: (used.cpu / used.seconds) * 100,
      apiRequestsPerMinute,
    });
  }
}

function rounded(cost: Cost): Cost {
  const entries = Object.entries(cost).map(([name, value]) => [name, Number(value.toFixed(2))]);
  return Object.fromEntries(entries) as Cost;
}

function worst(costs: readonly Cost[]): Cost {
  const most = (name: keyof Cost): number => Math.max(...costs.map((cost) => cost[name]));
  return {
    rss_MiB: most('rss_MiB'),
    anonymous_MiB: most('anonymous_MiB'),
    workingSet_MiB: most('workingSet_MiB'),
    cpu_percent: most('cpu_percent'),
    apiRequestsPerMinute: most('apiRequestsPerMinute'),
  };
}

/** A copy, as in an image that was just pulled: others that ran it have made this one's pages active. */
function ownNode(workspace: Workspace): string {
  const path = join(workspace.folder('node'), 'node');
  if (!existsSync(path)) copyFileSync(process.execPath, path);
  return path;
}

async function openGroup(plane: ControlPlane, size: number, options: IdleOptions): Promise<Group> {
  const { workspace } = plane;
  const account = await createAgentAccount(plane, `rest-${size}`);
  const loopback = await openLoopback(workspace);
  const cluster = inCluster(workspace, account, loopback);
  if (cluster === undefined) say('NOT ROOT: the agents load the client library for KUBECONFIG');
  const group = new Group(plane, account, cluster?.places ?? loopback, {
    redisArgs: COMMON_REDIS_ARGS,
    node: { program: ownNode(workspace), flags: options.flags ?? imageFlags() },
    agentEnv: { ...imageEnv(), ...cluster?.env, RO_TIMING_PROFILE: options.profile },
  });
  await group.scaleUp(size);
  await waitFor(
    'every replica is in sync',
    async () => {
      await oneMaster(group, { timeoutMs: 0 });
      const states = await Promise.all(group.pods.map(async (pod) => await pod.state()));
      return states.every(({ isMaster, inSync }) => isMaster || inSync);
    },
    { timeoutMs: 120_000, everyMs: 200, picture: async () => await groupPicture(group) },
  );
  return group;
}

/** What one agent sends to each that listens; all its peers get the same. */
async function bytesPerMinute(pod: Pod): Promise<number> {
  const abort = new AbortController();
  const url = `http://${pod.ip}:${AGENT_PORT}/state?watch=true&peers=false`;
  const { body } = await request(url, { signal: abort.signal });
  let bytes = 0;
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  body.on('error', () => undefined);
  await pause(LISTEN_MS);
  abort.abort();
  return (bytes * 60_000) / LISTEN_MS;
}

type Versioned = { readonly metadata: { readonly resourceVersion: string } };

/** Counts the writes of the group's Lease: the API server itself renews one of its own, too. */
async function countLeaseWrites(group: Group): Promise<() => number> {
  const [folder = '', name = ''] = group.leasePath.split(/\/(?=[^/]*$)/);
  const path = `${folder}?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  const listed = await group.admin.get<Versioned>(path);
  let version = listed.metadata.resourceVersion;
  const abort = new AbortController();
  let writes = 0;
  let broken: unknown;
  const count = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      await group.admin.watch<Versioned>(
        path,
        version,
        ({ type, object }) => {
          version = object.metadata.resourceVersion;
          if (type !== 'BOOKMARK') writes++;
        },
        abort.signal,
      );
    }
  };
  count().catch((error: unknown) => {
    if (!abort.signal.aborted) broken = error;
  });
  return () => {
    abort.abort();
    if (broken !== undefined) throw new Error(`the count broke: ${messageOf(broken)}`);
    return writes;
  };
}

async function measure(plane: ControlPlane, size: number, options: IdleOptions) {
  const group = await openGroup(plane, size, options);
  await pause(SETTLING_MS);
  const sent = await Promise.all(group.pods.map(async (pod) => await bytesPerMinute(pod)));
  const states = await Promise.all(group.pods.map(async (pod) => await pod.state()));
  const watched = group.pods.map((pod, n) => new Watched(pod, states[n]?.isMaster === true));
  const apiBefore = await requestsOf(plane.admin);
  const leaseWrites = await countLeaseWrites(group);
  const startedAt = performance.now();
  let lastAt = startedAt;
  const loads: number[] = [];
  while (performance.now() - startedAt < options.minutes * 60_000) {
    const leftMs = options.minutes * 60_000 - (performance.now() - startedAt);
    await pause(Math.min(SAMPLE_MS, leftMs));
    loads.push(load());
    const now = performance.now();
    for (const each of watched) each.sample((now - lastAt) / 1000, (loads.at(-1) ?? 0) <= LOAD_MAX);
    lastAt = performance.now();
  }
  const minutes = (performance.now() - startedAt) / 60_000;
  const ofLease = leaseWrites();
  const others = writesOf(between(apiBefore, await requestsOf(plane.admin))).filter(
    ({ resource }) => resource !== 'leases',
  );
  const writes = [{ verb: 'PUT', resource: 'leases', count: ofLease }, ...others];
  const after = await Promise.all(group.pods.map(async (pod) => await pod.state()));
  const asked = after.map(
    ({ apiRequests }, n) => (apiRequests - (states[n]?.apiRequests ?? 0)) / minutes,
  );
  const costs = watched.map((each, n) => ({ ...each.cost(asked[n] ?? 0), role: each.isMaster }));
  const ofRole = (isMaster: boolean): Cost[] => costs.filter(({ role }) => role === isMaster);
  const renewMs = TIMING_PROFILES[options.profile as keyof typeof TIMING_PROFILES].renewMs;
  const renews = (minutes * 60_000) / renewMs;
  const isStill = after.every(({ term }, n) => term === states[n]?.term);
  if (!isStill) say('THE MASTER CHANGED: this group was not at rest');
  await Promise.all(group.pods.map(async (pod) => await pod.powerOff()));
  const result: GroupCost = {
    size,
    agent: worst(costs),
    master: worst(ofRole(true)),
    replica: size > 1 ? worst(ofRole(false)) : null,
    peerBytesPerMinute: Math.round(sent.reduce((sum, each) => sum + each, 0) * (size - 1)),
    apiRequestsPerMinute: Number(asked.reduce((sum, each) => sum + each, 0).toFixed(1)),
    apiWrites: Object.fromEntries(
      writes.map(({ verb, resource, count }) => [`${verb} ${resource}`, count]),
    ),
    apiWritesPerRenew: Number((total(writes) / renews).toFixed(3)),
    load: {
      max: Math.max(...loads),
      calmShare: loads.filter((each) => each <= LOAD_MAX).length / loads.length,
    },
  };
  return result;
}

function table(groups: readonly GroupCost[]): string {
  const rows = groups.flatMap(({ size, master, replica }) =>
    [
      ['master', master] as const,
      ...(replica === null ? [] : [['worst replica', replica] as const]),
    ].map(([role, cost]) => [String(size), role, ...Object.values(cost).map(String)]),
  );
  return aligned([
    ['size', 'agent of', 'RSS MiB', 'anonymous MiB', 'working set MiB', 'CPU %', 'requests/min'],
    ...rows,
  ]);
}

function misses({ size, agent, apiWrites, apiWritesPerRenew }: GroupCost): readonly string[] {
  const others = Object.entries(apiWrites).filter(([what]) => !what.endsWith(' leases'));
  return [
    agent.workingSet_MiB < GOALS.workingSet_MiB ? '' : `working set ${agent.workingSet_MiB} MiB`,
    agent.cpu_percent < GOALS.cpu_percent ? '' : `CPU ${agent.cpu_percent} %`,
    apiWritesPerRenew <= GOALS.writesPerRenew * 1.02 ? '' : `${apiWritesPerRenew} writes per renew`,
    others.length === 0 ? '' : `writes at rest: ${others.map(String).join('; ')}`,
  ].flatMap((miss) => (miss === '' ? [] : [`group of ${size}: ${miss}`]));
}

async function main(options: IdleOptions): Promise<number> {
  if (!agentProgram().endsWith('.mjs')) {
    throw new FlagError('the bundle is missing or old', 'run "npm run build"');
  }
  const workspace = new Workspace();
  try {
    const plane = await startControlPlane(workspace, { fsync: true });
    const groups: GroupCost[] = [];
    for (const size of options.sizes) {
      say(`a group of ${size}, for ${options.minutes} minutes`);
      groups.push(await measure(plane, size, options));
    }
    process.stdout.write(`${table(groups)}\n`);
    for (const each of groups) {
      const { size, peerBytesPerMinute, apiWrites, apiWritesPerRenew, load: busy } = each;
      process.stdout.write(
        `group of ${size}: ${peerBytesPerMinute} bytes/min between peers, ${apiWritesPerRenew} API ` +
          `writes per renew ${JSON.stringify(apiWrites)}, load up to ${busy.max}\n`,
      );
    }
    const missed = groups.flatMap(misses);
    for (const each of missed) process.stdout.write(`GOAL MISSED: ${each}\n`);
    const result = {
      machine: {
        cores: cpus().length,
        node: process.version,
        redis: redisVersion(),
        at: new Date().toISOString(),
      },
      minutes: options.minutes,
      nodeFlags: options.flags ?? imageFlags(),
      env: imageEnv(),
      workingSet: WORKING_SET,
      agent: groups[0]?.agent,
      groups,
      missed,
    };
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    }
    return missed.length === 0 ? 0 : 1;
  } finally {
    await workspace.close();
  }
}

try {
  const options = readIdleOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(IDLE_HELP);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
