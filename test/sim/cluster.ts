// The cluster around the agents: pods with a Redis and an agent each, a kubelet that restarts their
// containers, a controller that makes a pod anew, and what can be done to all of them.

import type { CoreConfig } from '../../agent/core/model.ts';
import { AGENT_CONTAINER, ROLE_LABEL } from '../../src/names.ts';
import { type AgentWorld, SimAgent } from './agent.ts';
import type { Stored } from './api-server.ts';
import type { Scheduler } from './ports.ts';
import type { ClockJumps } from './process.ts';
import type { RedisVersion } from './redis/options.ts';
import { RedisProcess } from './redis/process.ts';
import type { RedisObserver } from './redis/state.ts';
import { type Snapshot, Volume } from './redis/volume.ts';

export type Setup = {
  readonly members: number;
  readonly version: RedisVersion;
  readonly persistence: 'none' | 'rdb' | 'aof';
  readonly bootFence: boolean;
  readonly isClaimed: boolean;
  /** How long a first sync takes. */
  readonly syncMs: number;
  readonly priorities: readonly number[];
  readonly core: Omit<CoreConfig, 'self' | 'bootFence'>;
  /** Agents of this ordinal and above are of the next protocol: an update that stands still. */
  readonly laterFrom: number;
  /** A new pod gets the address of one that is gone, of whatever name. */
  readonly reusesAddresses: boolean;
};

export type SimPod = {
  readonly index: number;
  readonly name: string;
  readonly uid: string;
  readonly host: string;
  readonly volume: Volume;
  readonly jumps: ClockJumps;
  redis: RedisProcess | null;
  agent: SimAgent | null;
  /** The object is there; a force-deleted pod may run on without it. */
  isListed: boolean;
  /** Has an agent, and what the webhook adds beside it. */
  readonly isManaged: boolean;
  isLeaving: boolean;
  isPowered: boolean;
  /** Term in which its present process was made master by its agent; null: it was not. */
  term: number | null;
  hasStarted: boolean;
};

/** The simulator's eyes and its trace. */
export type ClusterObserver = {
  redisOf(pod: SimPod): RedisObserver;
  onPromote(pod: SimPod): void;
  readonly isTraced: boolean;
  /** Somebody will ask for a switchover. */
  readonly followsRequests: boolean;
  trace(who: string, text: string): void;
};

const GRACE_MS = 8000;
const SLOW_END_MS = 2000;
const AGENT_START_MS = 60;
const REDIS_START_MS = 30;
/** The kubelet starts a container again that its agent killed. */
const KILLED_RESTART_MS = 300;

export class SimCluster {
  readonly #at: AgentWorld & { readonly world: Scheduler };
  readonly #setup: Setup;
  readonly #observer: ClusterObserver;
  /** Every pod that ever was: a force-deleted one may still run. */
  readonly pods: SimPod[] = [];
  readonly #volumes = new Map<string, Volume>();
  #uids = 0;
  #agents = 0;
  /** While true nothing that ends is made anew. */
  isScaledAway = false;
  /** A Redis without agent and boot fence came back by itself. */
  hasUnguardedRestart = false;
  /** What the next pod that is made finds on its volume. */
  #foreign: Snapshot | null = null;

  constructor(at: AgentWorld, setup: Setup, observer: ClusterObserver) {
    this.#at = at;
    this.#setup = setup;
    this.#observer = observer;
  }

  #after(ms: number, run: () => void): void {
    this.#at.world.after(ms, run);
  }

  /** The pod that has this ordinal now. */
  current(index: number): SimPod | null {
    return this.pods.findLast((pod) => pod.index === index && pod.isListed) ?? null;
  }

  running(): readonly SimPod[] {
    return this.pods.filter((pod) => pod.redis !== null || pod.agent !== null);
  }

  createPod(index: number, isManaged = true): SimPod {
    const name = `redis-${index}`;
    const claim = `data-${name}`;
    const isClaimed = this.#setup.isClaimed;
    const volume = isClaimed ? (this.#volumes.get(claim) ?? new Volume()) : new Volume();
    if (isClaimed) {
      this.#volumes.set(claim, volume);
      this.#at.api.claims.add(claim);
    }
    // What a claim holds is the group's, whatever somebody put there.
    if (this.#foreign !== null && !isClaimed) {
      volume.isForeign = true;
      volume.snapshot = this.#foreign;
      volume.appendOnly = this.#foreign.dataset;
    }
    this.#foreign = null;
    const number = ++this.#uids;
    const pod: SimPod = {
      index,
      name,
      uid: `uid-${number}`,
      host: this.#freedAddress() ?? `10.0.0.${number}`,
      volume,
      jumps: { wallMs: 0, bootMs: 0 },
      redis: null,
      agent: null,
      isListed: true,
      isManaged,
      isLeaving: false,
      isPowered: true,
      term: null,
      hasStarted: false,
    };
    this.pods.push(pod);
    this.#at.api.put('pods', this.#object(pod));
    this.#observer.trace(name, `created as ${pod.uid} at ${pod.host}`);
    return pod;
  }

  /** Of a pod whose object and processes are gone. Who still speaks to it on an old connection is told so. */
  #freedAddress(): string | null {
    if (!this.#setup.reusesAddresses) return null;
    const isUsed = ({ isListed, redis, agent }: SimPod): boolean =>
      isListed || redis !== null || agent !== null;
    const used = new Set(this.pods.filter(isUsed).map(({ host }) => host));
    const freed = new Set(this.pods.map(({ host }) => host).filter((host) => !used.has(host)));
    if (freed.size === 0) return null;
    const host = this.#at.random.pick([...freed]);
    this.#at.network.powerOn(host);
    return host;
  }

  #object(pod: SimPod): Stored {
    const old = this.#at.api.find('pods', pod.name);
    const kept = old?.metadata.uid === pod.uid ? old.metadata : {};
    return {
      metadata: {
        ...kept,
        name: pod.name,
        uid: pod.uid,
        ...(pod.isLeaving ? { deletionTimestamp: 'now' } : {}),
      },
      spec: {
        containers: [{ name: pod.isManaged ? AGENT_CONTAINER : 'redis' }],
        volumes: this.#setup.isClaimed
          ? [{ persistentVolumeClaim: { claimName: `data-${pod.name}` } }]
          : [],
      },
      status: { podIP: pod.host, phase: 'Running' },
    };
  }

  startRedis(pod: SimPod): void {
    if (pod.redis !== null || !pod.isPowered || !pod.isListed) return;
    const { version, persistence, bootFence, priorities, syncMs } = this.#setup;
    const { world, network, random } = this.#at;
    pod.term = null;
    if (pod.hasStarted && !pod.isManaged) this.hasUnguardedRestart = true;
    pod.hasStarted = true;
    const redis: RedisProcess = new RedisProcess(
      { scheduler: world, network, random, observer: this.#observer.redisOf(pod) },
      {
        host: pod.host,
        version,
        persistence,
        bootFence: bootFence && pod.isManaged,
        priority: priorities[pod.index] ?? 100,
        backlogBytes: 64 * 1024 * 1024,
        snapshotMs: syncMs,
        loadMs: persistence === 'none' ? 0 : 20,
      },
      pod.volume,
      () => {
        if (pod.redis === redis) pod.redis = null;
      },
    );
    pod.redis = redis;
    this.#observer.trace(pod.name, `Redis started (${redis.runId.slice(0, 6)})`);
  }

  startAgent(pod: SimPod): void {
    if (pod.agent !== null || !pod.isManaged || !pod.isPowered || !pod.isListed) return;
    const { random } = this.#at;
    const { core, bootFence, laterFrom } = this.#setup;
    const protocol = core.protocol + (pod.index >= laterFrom ? 1 : 0);
    const RATE_ERROR = 0.01;
    pod.agent = new SimAgent(this.#at, {
      core: { ...core, bootFence, protocol },
      pod: pod.name,
      uid: pod.uid,
      host: pod.host,
      volume: this.#setup.isClaimed ? `pvc/data-${pod.name}` : pod.uid,
      agentId: String(++this.#agents).padStart(9, '0'),
      // All agents of a pod live on one machine, so they share its clock.
      clock: {
        rate: 1 + (((pod.index * 7919) % 3) - 1) * RATE_ERROR,
        startMs: 1000 * (pod.index + 1) + random.integer(10),
        jumps: pod.jumps,
      },
      minReplicas: 0,
      graceMs: GRACE_MS,
      followsRequests: this.#observer.followsRequests,
      log: (_agent, level, text, fields) => {
        if (!this.#observer.isTraced) return;
        this.#observer.trace(`${pod.name} agent`, `${level} ${text} ${detailOf(fields)}`.trim());
      },
      onPromote: () => this.#observer.onPromote(pod),
      onKillRedis: (runId) => {
        if (pod.redis?.runId !== runId) return false;
        this.killRedis(pod, KILLED_RESTART_MS);
        return true;
      },
      onExit: (agent, code) => {
        this.#observer.trace(pod.name, `agent exits with ${code}`);
        if (pod.agent === agent) this.killAgent(pod, 300);
      },
    });
    this.#observer.trace(pod.name, 'agent started');
  }

  start(pod: SimPod): void {
    this.startRedis(pod);
    this.startAgent(pod);
  }

  /** SIGKILL; the kubelet starts it again. */
  killRedis(pod: SimPod, restartMs: number): void {
    const { redis } = pod;
    if (redis === null) return;
    this.#observer.trace(pod.name, 'Redis killed');
    redis.kill();
    pod.redis = null;
    this.#after(restartMs + REDIS_START_MS, () => {
      if (pod.isListed && !pod.isLeaving) this.startRedis(pod);
    });
  }

  killAgent(pod: SimPod, restartMs: number): void {
    const { agent } = pod;
    if (agent === null) return;
    this.#observer.trace(pod.name, 'agent killed');
    agent.kill();
    pod.agent = null;
    this.#after(restartMs + AGENT_START_MS, () => {
      if (pod.isListed) this.startAgent(pod);
    });
  }

  freezeRedis(pod: SimPod, ms: number): void {
    const { redis } = pod;
    if (redis === null) return;
    redis.freeze();
    this.#observer.trace(pod.name, 'Redis frozen');
    this.#after(ms, () => {
      if (redis.isFrozen) this.#observer.trace(pod.name, 'Redis thawed');
      redis.thaw();
    });
  }

  stopAgent(pod: SimPod, ms: number): void {
    this.#observer.trace(pod.name, `agent stands still for ${Math.round(ms)} ms`);
    pod.agent?.process.stop(ms);
  }

  /** Grace: preStop, SIGTERM to Redis, then to its sidecar; then the object goes and comes anew. */
  deletePod(pod: SimPod, recreateMs: number, foreign: Snapshot | null = null): void {
    if (!pod.isListed || pod.isLeaving) return;
    pod.isLeaving = true;
    this.#observer.trace(pod.name, 'deleted');
    this.#at.api.put('pods', this.#object(pod));
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      this.#foreign = foreign;
      this.#endPod(pod, recreateMs);
    };
    const stopAgent = (): void => {
      if (pod.agent === null) end();
      else pod.agent.terminate(end);
    };
    const stopRedis = (): void => {
      const { redis } = pod;
      if (redis === null) return stopAgent();
      redis.terminate();
      this.#awaitEnd(redis, stopAgent);
    };
    // Without an agent it may have a preStop of its own, or be slow for another reason: it serves on.
    if (!pod.isManaged) this.#after(this.#at.random.real() * SLOW_END_MS, stopRedis);
    else if (pod.agent === null) stopRedis();
    else pod.agent.prestop(stopRedis);
    this.#after(GRACE_MS, end);
  }

  #awaitEnd(redis: RedisProcess, then: () => void): void {
    if (!redis.isRunning) then();
    else this.#after(20, () => this.#awaitEnd(redis, then));
  }

  #endPod(pod: SimPod, recreateMs: number): void {
    this.#killBoth(pod);
    this.#unlist(pod, recreateMs);
  }

  #killBoth(pod: SimPod): void {
    pod.redis?.kill();
    pod.redis = null;
    pod.agent?.kill();
    pod.agent = null;
  }

  #unlist(pod: SimPod, recreateMs: number): void {
    if (!pod.isListed) return;
    pod.isListed = false;
    this.#observer.trace(pod.name, 'pod object gone');
    this.#at.api.remove('pods', pod.name);
    if (!this.isScaledAway) this.#after(recreateMs, () => this.#recreate(pod.index));
  }

  #recreate(index: number): void {
    if (this.current(index) !== null) return;
    const pod = this.createPod(index);
    this.#after(AGENT_START_MS, () => this.startAgent(pod));
    this.#after(AGENT_START_MS + REDIS_START_MS, () => this.startRedis(pod));
  }

  /** Back from zero: all ordinals anew. */
  scaleUp(): void {
    this.isScaledAway = false;
    for (let index = 0; index < this.#setup.members; index++) this.#recreate(index);
  }

  /** The object goes at once; the processes run on for `ghostMs`, unseen. */
  forceDelete(pod: SimPod, ghostMs: number, recreateMs: number): void {
    if (!pod.isListed) return;
    // A volume is not mounted twice: with a claim the new pod waits for the old one's end.
    const waitMs = this.#setup.isClaimed ? Math.max(recreateMs, ghostMs + 10) : recreateMs;
    this.#observer.trace(pod.name, `force-deleted, runs on for ${Math.round(ghostMs)} ms`);
    this.#unlist(pod, waitMs);
    this.#after(ghostMs, () => {
      this.#killBoth(pod);
    });
  }

  /** The machine loses power; the pod object stays. It comes back, or the pod is deleted by force. */
  powerOff(pod: SimPod, ms: number, returns: boolean): void {
    if (!pod.isPowered || !pod.isListed) return;
    const { network } = this.#at;
    this.#observer.trace(pod.name, 'its machine loses power');
    pod.isPowered = false;
    network.powerOff(pod.host);
    this.#killBoth(pod);
    this.#after(ms, () => {
      if (!pod.isListed) return;
      if (!returns) return this.#unlist(pod, 10);
      pod.isPowered = true;
      network.powerOn(pod.host);
      this.#observer.trace(pod.name, 'its machine is back');
      this.#after(REDIS_START_MS, () => this.startRedis(pod));
      this.#after(AGENT_START_MS, () => this.startAgent(pod));
    });
  }

  /** Labels as the API server has them: what a Service would route to. */
  labelled(role: string): readonly SimPod[] {
    return this.pods.filter(
      (pod) =>
        pod.isListed && this.#at.api.find('pods', pod.name)?.metadata.labels?.[ROLE_LABEL] === role,
    );
  }
}

function detailOf(fields: object): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(' ');
}
