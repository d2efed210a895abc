// One agent process: the real core, runtime, effects, rounds, label keeper and API adapters, over
// simulated ports. It may be killed between any two things that it asks of the world.

import type { Clock } from '../../agent/clock.ts';
import type { AgentState, CoreConfig } from '../../agent/core/model.ts';
import { LabelKeeper } from '../../agent/kube/label-keeper.ts';
import { LeaseAdapter } from '../../agent/kube/lease.ts';
import { watchRequests } from '../../agent/kube/requests.ts';
import { PodsAdapter } from '../../agent/kube/pods.ts';
import type { LeasePort, LocalRedisPort, PodsPort, RemoteRedisPort } from '../../agent/ports.ts';
import { Runtime } from '../../agent/runtime.ts';
import { prestop, type ShutdownParts, terminate } from '../../agent/shutdown.ts';
import type { Log } from '../../src/log.ts';
import { SimApiClient } from './api-client.ts';
import type { SimApiServer } from './api-server.ts';
import type { SimNetwork } from './network.ts';
import { SimPeers } from './peers.ts';
import type { Random } from './ports.ts';
import { type ClockJumps, SimClock, SimProcess } from './process.ts';
import { SimLocalRedis, SimRemoteRedis } from './redis-adapters.ts';
import type { World } from './world.ts';

export const NAMESPACE = 'sim';
export const GROUP = 'cache';
const SYNC_INTERVAL_MS = 15_000;

export type AgentWorld = {
  readonly world: World;
  readonly network: SimNetwork;
  readonly api: SimApiServer;
  readonly random: Random;
};

export type AgentOptions = {
  readonly core: Omit<CoreConfig, 'self'>;
  readonly pod: string;
  readonly uid: string;
  readonly host: string;
  readonly volume: string;
  readonly agentId: string;
  readonly clock: { rate: number; startMs: number; jumps: ClockJumps };
  readonly minReplicas: number;
  readonly graceMs: number;
  /** Nobody else is told of requests: what is stored keeps its course. */
  readonly followsRequests: boolean;
  readonly log: (agent: SimAgent, level: string, text: string, fields: object) => void;
  /** Before each promotion is sent, with the state that it was judged by. */
  readonly onPromote: (agent: SimAgent) => void;
  /** SIGKILL to the local Redis; answers whether the process of this run id was there. */
  readonly onKillRedis: (runId: string) => boolean;
  readonly onExit: (agent: SimAgent, code: number) => void;
};

/** Never answers: what a dead process asked for. */
const NEVER = new Promise<never>(() => undefined);

export class SimAgent {
  readonly options: AgentOptions;
  readonly process: SimProcess;
  readonly api: SimApiClient;
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly #redis: SimLocalRedis;
  readonly #peers: SimPeers;
  readonly #shutdown: ShutdownParts;
  /** Things asked of the world until the process is killed; null: it is not going to be. */
  killAfterEffects: number | null = null;
  #isStarted = false;

  constructor({ world, network, api, random }: AgentWorld, options: AgentOptions) {
    this.options = options;
    const { host, core, pod, uid, agentId, volume } = options;
    const process = new SimProcess(world);
    this.process = process;
    this.clock = new SimClock(process, options.clock);
    this.api = new SimApiClient({ server: api, network, process, random, host });
    const log = this.#log();
    const pods = new PodsAdapter(this.api, NAMESPACE);
    const lease = new LeaseAdapter(this.api, NAMESPACE, GROUP, core.timing.waitMs);
    const reach = { process, network, clock: this.clock, host, timeoutMs: core.redisTimeoutMs };
    this.#redis = new SimLocalRedis({
      ...reach,
      minReplicas: options.minReplicas,
      isolates: core.isolates,
      onChange: (redis) => this.runtime.dispatch({ kind: 'redis', redis }),
    });
    this.#peers = new SimPeers({
      process,
      network,
      random,
      host,
      report: () => this.runtime.report(),
      onReport: (report) => {
        const startedEpochMs = Date.parse(report.startupTime ?? '') || 0;
        this.runtime.dispatch({ kind: 'peer', report, startedEpochMs });
      },
    });
    const podsPort: PodsPort = {
      setRole: (...args) => this.#effect(() => pods.setRole(...args)),
      setMirror: (...args) => this.#effect(() => pods.setMirror(...args)),
      isPodGone: (...args) => pods.isPodGone(...args),
      isClaimGone: (...args) => pods.isClaimGone(...args),
    };
    const leasePort: LeasePort = {
      read: (...args) => lease.read(...args),
      write: (...args) => this.#effect(() => lease.write(...args)),
    };
    this.runtime = new Runtime({
      core: { ...core, self: { pod, uid, agentId, volume, address: host } },
      clock: this.clock,
      log,
      redis: this.#localPort(),
      redisProcess: {
        kill: (runId) =>
          this.#effect(() => {
            const isKilled = options.onKillRedis(runId);
            return process.promise((resolve) => resolve(isKilled ? null : 'it is gone'));
          }),
      },
      remoteRedis: this.#remotePort(new SimRemoteRedis(reach)),
      lease: leasePort,
      isStranger: (uid, address) => this.#peers.isStranger(uid, address),
      pods: podsPort,
      labels: new LabelKeeper(podsPort, this.clock, log, () => 0),
      namespace: NAMESPACE,
      group: GROUP,
      podIP: host,
      syncIntervalMs: SYNC_INTERVAL_MS,
      // Services are no part of what is simulated: the labels are looked at directly.
      routes: { reconcile: () => undefined, reports: () => [] },
      readRoute: () => Promise.resolve([]),
      apiRequests: () => this.api.requestCount,
      followPeers: (list) => this.#peers.follow(list),
      publish: (report) => this.#peers.publish(report),
      tell: () => undefined,
      observe: () => undefined,
      onExit: (code) => options.onExit(this, code),
    });
    this.#shutdown = {
      runtime: this.runtime,
      pods,
      clock: this.clock,
      log,
      podName: pod,
      podUid: uid,
      graceMs: options.graceMs,
    };
    this.#start(pods, lease);
  }

  get state(): AgentState {
    return this.runtime.state;
  }

  #start(pods: PodsAdapter, lease: LeaseAdapter): void {
    const random = (): number => 0;
    const group = { name: GROUP, selectors: [''], belongs: () => true };
    const onBroken = (): void => undefined;
    this.process.world.settles();
    this.#peers.listen();
    this.runtime.start();
    this.#redis.start();
    pods.watch(
      group,
      (list, isStale) => this.runtime.dispatch({ kind: 'pods', pods: list, isStale }),
      onBroken,
      random,
    );
    void lease.watch(
      (seen) => this.runtime.dispatch({ kind: 'lease', lease: seen }),
      onBroken,
      random,
    );
    if (this.options.followsRequests) {
      void watchRequests({
        api: this.api,
        namespace: NAMESPACE,
        group: GROUP,
        clock: this.clock,
        random,
        onRequest: (request) => this.runtime.dispatch({ kind: 'request', request }),
        onPause: (pause) => this.runtime.dispatch({ kind: 'pause', pause }),
        onUnreadable: (what, detail) => this.#log().warn({ detail }, `the ${what} cannot be read`),
        onBroken,
      });
    }
    this.#isStarted = true;
  }

  /** SIGKILL. */
  kill(): void {
    if (!this.process.isAlive) return;
    this.process.die();
    this.runtime.stop();
    this.#redis.die();
    this.#peers.die();
    this.api.close();
  }

  /** The kubelet asks before it stops Redis. */
  prestop(onDone: () => void): void {
    this.process.run(() => {
      this.process.world.settles();
      void prestop(this.#shutdown).then(onDone);
    });
  }

  /** SIGTERM. */
  terminate(onDone: () => void): void {
    this.process.run(() => {
      this.process.world.settles();
      void terminate(this.#shutdown).then(onDone);
    });
  }

  /** One thing that is asked of the world: the process may die right after it. */
  #effect<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.process.isAlive) return NEVER;
    this.process.world.settles();
    const asked = ask();
    if (this.killAfterEffects !== null && this.killAfterEffects-- <= 0) {
      this.killAfterEffects = null;
      this.options.onExit(this, 137);
    }
    return asked;
  }

  #localPort(): LocalRedisPort {
    const redis = this.#redis;
    return {
      limbo: (cut) => this.#effect(() => redis.limbo(cut)),
      replicateFrom: (host) => this.#effect(() => redis.replicateFrom(host)),
      promote: (runId, until) =>
        this.#effect(() => {
          this.options.onPromote(this);
          return redis.promote(runId, until);
        }),
      open: (until, isolated) => this.#effect(() => redis.open(until, isolated)),
      guard: () => this.#effect(() => redis.guard()),
      setPollInterval: (ms) => redis.setPollInterval(ms),
    };
  }

  #remotePort(remote: SimRemoteRedis): RemoteRedisPort {
    return {
      look: (host, ms) => this.#effect(() => remote.look(host, ms)),
      fence: (host, ms) => this.#effect(() => remote.fence(host, ms)),
      hastenSync: (host, ms) => this.#effect(() => remote.hastenSync(host, ms)),
    };
  }

  #log(): Log {
    const write = (level: string) => (fields: object | string, text?: string) => {
      if (!this.#isStarted) return;
      if (typeof fields === 'string') this.options.log(this, level, fields, {});
      else this.options.log(this, level, text ?? '', fields);
    };
    const log: Record<keyof Log, ReturnType<typeof write>> = {
      debug: () => undefined,
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    };
    return log as unknown as Log;
  }
}
