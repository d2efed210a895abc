// Drives modelled servers: time passes only while a script waits.

import { SimNetwork } from '../sim/network.ts';
import { SeededRandom } from '../sim/random.ts';
import { RedisClient } from '../sim/redis/client.ts';
import { idsOf } from '../sim/redis/dataset.ts';
import type { RedisOptions, RedisVersion } from '../sim/redis/options.ts';
import { RedisProcess, type RedisWorld } from '../sim/redis/process.ts';
import type { RedisInfo, Reply } from '../sim/redis/protocol.ts';
import { Volume } from '../sim/redis/volume.ts';
import { World } from '../sim/world.ts';
import {
  PING_PERIOD_SECONDS,
  type Answer,
  type BenchClient,
  type BenchOptions,
  type Driver,
  type Seen,
} from './bench.ts';

const FROM = 'client';
/** Simulated. */
const PATIENCE_MS = 60_000;
const STEP_MS = 2;

function seenOf(info: RedisInfo): Seen {
  const { upstream } = info;
  const { role, linkUp, syncing, loading, offset, masterOffset, replid, replid2 } = info;
  const { secondOffset, priority, keys, aof, connectedReplicas } = info;
  return {
    role,
    upstream: upstream === null ? null : upstream.port === 1 ? 'limbo' : upstream.host,
    linkUp,
    syncing,
    loading,
    offset,
    masterOffset,
    replid,
    replid2,
    secondOffset,
    priority,
    keys,
    aof,
    connectedReplicas,
  };
}

function answerOf(reply: Reply): Answer {
  switch (reply.kind) {
    case 'ok':
      return 'OK';
    case 'number':
      return String(reply.value);
    case 'keys':
      return idsOf(reply.dataset).sort((a, b) => a - b);
    case 'info':
      return seenOf(reply.info);
    case 'error':
      return reply.code;
  }
}

export class ModelDriver implements Driver {
  readonly version: RedisVersion;
  readonly #heldBackChance: number;
  readonly #world = new World();
  readonly #parts: RedisWorld;
  readonly #volumes = new Map<string, Volume>();
  readonly #processes = new Map<string, RedisProcess>();

  /** Held back (ADR 5) is nobody, unless told: where that happens is chance on a real server. */
  constructor(version: RedisVersion, seed: number, heldBackChance = 0) {
    this.version = version;
    this.#heldBackChance = heldBackChance;
    const random = new SeededRandom(seed);
    const network = new SimNetwork(this.#world, random);
    this.#parts = { scheduler: this.#world, network, random };
  }

  #process(name: string): RedisProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`${name} was never started`);
    return process;
  }

  #begin(name: string, options: BenchOptions, more: Partial<RedisOptions>): void {
    const volume = this.#volumes.get(name) ?? new Volume();
    this.#volumes.set(name, volume);
    const { version } = this;
    const { slowSnapshots, ...rest } = options;
    const slow = slowSnapshots === true ? { snapshotMsPerKey: 200 } : {};
    const complete = {
      host: name,
      version,
      heldBackChance: this.#heldBackChance,
      pingPeriodSeconds: PING_PERIOD_SECONDS,
      ...slow,
      ...rest,
      ...more,
    };
    this.#processes.set(name, new RedisProcess(this.#parts, complete, volume));
  }

  async start(name: string, options: BenchOptions): Promise<void> {
    this.#begin(name, options, {});
    await this.pass(10);
  }

  async startLoading(name: string, options: BenchOptions): Promise<void> {
    const volume = new Volume();
    volume.appendOnly = { id: 0, previous: null, keys: 1 };
    this.#volumes.set(name, volume);
    this.#begin(name, { ...options, persistence: 'aof' }, { loadMs: 1e9 });
    await this.pass(10);
  }

  async connect(name: string): Promise<BenchClient> {
    const state = { isClosed: false };
    const client = new RedisClient(this.#parts.network, FROM, name, {
      onClose: () => {
        state.isClosed = true;
      },
    });
    await this.pass(2);
    return {
      post: (commands, transaction = false) => {
        let answers: readonly Answer[] | undefined;
        client.send(
          commands,
          (replies) => {
            answers = replies.map(answerOf);
          },
          transaction,
        );
        return async () => {
          await this.#soon('an answer', () => answers !== undefined || state.isClosed);
          return answers ?? commands.map(() => 'CLOSED');
        };
      },
      get isClosed() {
        return state.isClosed;
      },
    };
  }

  async kill(name: string): Promise<void> {
    this.#process(name).kill();
    await this.pass(2);
  }

  terminate(name: string): void {
    this.#process(name).terminate();
  }

  async ended(name: string): Promise<void> {
    const process = this.#process(name);
    await this.#soon(`${name} ends`, () => !process.isRunning);
    await this.pass(2);
  }

  async freeze(name: string): Promise<void> {
    this.#process(name).freeze();
    await this.pass(1);
  }

  async thaw(name: string): Promise<void> {
    this.#process(name).thaw();
    await this.pass(1);
  }

  async breakDisk(name: string): Promise<void> {
    this.#process(name).setDiskFull(true);
    await this.pass(1);
  }

  async pass(ms: number): Promise<void> {
    await this.#world.runUntil(this.#world.now() + ms);
  }

  async until(what: string, check: () => Promise<boolean>): Promise<void> {
    const end = this.#world.now() + PATIENCE_MS;
    while (!(await check())) {
      if (this.#world.now() > end) throw new Error(`${what}: not in the model's minute`);
      await this.pass(STEP_MS);
    }
  }

  async #soon(what: string, is: () => boolean): Promise<void> {
    const end = this.#world.now() + PATIENCE_MS;
    while (!is()) {
      if (this.#world.now() > end) throw new Error(`${what}: not in the model's minute`);
      await this.pass(STEP_MS);
    }
  }
}
