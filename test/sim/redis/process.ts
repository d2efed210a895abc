// One process of a modelled Redis or Valkey, from start to end. A restart is a new one on the same
// volume. It acts only through the ports: same random numbers and same messages, same behaviour.

import type { Network, Random, Scheduler } from '../ports.ts';
import { Connection, type Server } from './connection.ts';
import type { Dataset } from './dataset.ts';
import { Downstream } from './downstream.ts';
import { Executor } from './executor.ts';
import { Files } from './files.ts';
import { Life } from './life.ts';
import { type RedisOptions, settingsOf, TRAITS } from './options.ts';
import type { FromRedis, RedisInfo, ToRedis } from './protocol.ts';
import { type RedisObserver, State } from './state.ts';
import { TransactionEcho } from './transaction-echo.ts';
import { Upstream } from './upstream.ts';
import type { Volume } from './volume.ts';
import { Waiters } from './waiters.ts';

export type RedisWorld = {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly observer?: RedisObserver;
};

export type Ending = 'killed' | 'stopped';

const CRON_MS = 1000;
const SHUTDOWN_WAIT_MS = 10_000;
/** As agent/redis/write-terms.ts sets it. */
export const ISOLATED_LAG_SECONDS = 1;
const LIMBO = { host: '127.0.0.1', port: 1 } as const;

export class RedisProcess {
  readonly runId: string;
  readonly host: string;
  readonly startedAt: number;
  readonly #state: State;
  readonly #life: Life;
  readonly #upstream: Upstream;
  readonly #downstream: Downstream;
  readonly #waiters: Waiters;
  readonly #files: Files;
  readonly #connections = new Set<Connection>();
  readonly #listener: { close(): void };
  readonly #onEnd: (ending: Ending) => void;
  #savesAtEnd = false;

  constructor(
    world: RedisWorld,
    options: RedisOptions,
    volume: Volume,
    onEnd: (ending: Ending) => void = () => undefined,
  ) {
    const { scheduler, network, random } = world;
    const settings = settingsOf(options);
    this.host = settings.host;
    this.#onEnd = onEnd;
    this.runId = random.hexId();
    this.startedAt = scheduler.now();
    this.#life = new Life(scheduler, random);
    const parts = { life: this.#life, random, scheduler, observer: world.observer ?? null };
    this.#state = new State(settings, TRAITS[settings.version], volume, parts);
    this.#downstream = new Downstream(this.#state);
    this.#upstream = new Upstream(this.#state, network, this.#downstream);
    this.#waiters = new Waiters(this.#state, this.#downstream);
    this.#files = new Files(this.#state, this.#upstream);
    const server = this.#server();
    this.#listener = network.listen<ToRedis, FromRedis>(this.host, 'redis', (socket) => {
      const connection = new Connection(this.#state, server, socket);
      this.#connections.add(connection);
      return connection.handlers();
    });
    if (settings.bootFence) this.#upstream.bootFenced(LIMBO.host, LIMBO.port);
    this.#files.load(() => this.#cron());
  }

  get isFrozen(): boolean {
    return this.#life.isFrozen;
  }

  get isRunning(): boolean {
    return !this.#life.isGone;
  }

  get isMaster(): boolean {
    return this.#upstream.target === null;
  }

  /** A master that takes writes: its guard is off. */
  get isOpen(): boolean {
    return this.isMaster && this.#state.loading === null && this.#downstream.hasEnoughGood;
  }

  /** It acknowledges only while a replica does so every second. */
  get isIsolated(): boolean {
    const { minReplicas, maxLagSeconds } = this.#state.tunables;
    return minReplicas > 0 && maxLagSeconds === ISOLATED_LAG_SECONDS;
  }

  /** When a replica acknowledged last, in seconds of the clock. */
  get lastAckedSeconds(): number {
    return this.#downstream.lastAckedAt;
  }

  /** What it holds, for oracles: seen without asking it. */
  get dataset(): Dataset {
    return this.#state.dataset;
  }

  get replid(): string {
    return this.#state.replid;
  }

  /** What INFO says, for oracles: seen without asking it. */
  info(): RedisInfo {
    const state = this.#state;
    const upstream = this.#upstream;
    const target = upstream.target;
    return {
      runId: this.runId,
      version: state.traits.infoVersion,
      role: target === null ? 'master' : 'replica',
      upstream: target,
      linkUp: upstream.isConnected,
      syncing: upstream.isSyncing,
      syncPercent: null,
      loading: state.loading !== null,
      // As our adapter reads it: a replica that has got nothing yet is where its own stream is.
      offset: target !== null && upstream.offset > 0 ? upstream.offset : state.offset,
      masterOffset: state.offset,
      replid: state.replid,
      replid2: state.replid2,
      secondOffset: state.secondOffset,
      // INFO tells it of replicas only.
      priority: target === null ? 100 : state.settings.priority,
      keys: this.#files.keys,
      aof: state.settings.persistence === 'aof' && state.loading === null,
      // Its disk has room, and its settings are as they should be.
      unwritable: null,
      obstacle: null,
      uptimeSeconds: Math.floor((state.now() - this.startedAt) / 1000),
      connectedReplicas: this.#downstream.count,
    };
  }

  /** SIGKILL: its sockets are reset, nobody listens. */
  kill(): void {
    this.#end('killed');
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#life.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.#life.thaw();
  }

  /** SIGTERM: saves where it has save points, then ends; a frozen one does so once thawed. */
  terminate(): void {
    this.#life.deliver(() => this.#shutDown(this.#state.settings.persistence === 'rdb'));
  }

  /** Whether its disk takes anything: while it does not, a persistent master refuses writes. */
  setDiskFull(isFull: boolean): void {
    this.#state.isDiskFull = isFull;
  }

  #server(): Server {
    const executor = new Executor(
      this.#state,
      { upstream: this.#upstream, downstream: this.#downstream, waiters: this.#waiters },
      {
        info: () => this.info(),
        clients: () => this.#connections,
        shutDown: (save) => this.#shutDown(save),
        save: () => this.#files.saveInBackground(),
      },
    );
    return {
      refusal: (command) => executor.refusal(command),
      echo: () => new TransactionEcho(this.#state, this.#upstream, this.#downstream),
      execute: (command, connection, resume) => executor.execute(command, connection, resume),
      attach: (connection, replid, offset) => this.#attach(connection, replid, offset),
      acknowledged: (link, offset) => {
        this.#downstream.acknowledged(link, offset);
        this.#waiters.acknowledged();
        this.#endIfReady();
      },
      closed: (connection) => this.#closed(connection),
    };
  }

  #attach(connection: Connection, replid: string, offset: number): Connection['link'] {
    const isLinked = this.#upstream.target === null || this.#upstream.isConnected;
    if (this.#state.loading !== null || !isLinked) {
      const code = this.#state.loading === null ? 'NOMASTERLINK' : 'LOADING';
      connection.send({ kind: 'sync-refused', code });
      return null;
    }
    connection.type = 'replica';
    const ends = {
      send: (message: FromRedis) => connection.send(message),
      drop: () => connection.drop(),
    };
    return this.#downstream.attach(ends, replid, offset);
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#waiters.closed(connection);
    if (connection.link !== null) this.#downstream.detach(connection.link);
    this.#endIfReady();
  }

  #cron(): void {
    this.#life.after(CRON_MS, () => this.#cron());
    this.#upstream.cron();
    this.#downstream.cron(this.isMaster);
    this.#files.cron();
  }

  #shutDown(save: boolean): void {
    const state = this.#state;
    if (state.isShuttingDown) return;
    state.isShuttingDown = true;
    this.#savesAtEnd = save;
    if (state.traits.waitsAtShutdown && this.isMaster && this.#downstream.isAnyBehind) {
      this.#downstream.askForAcks();
      this.#life.after(SHUTDOWN_WAIT_MS, () => this.#finish());
      return;
    }
    this.#finish();
  }

  #endIfReady(): void {
    if (this.#state.isShuttingDown && !this.#downstream.isAnyBehind) this.#finish();
  }

  #finish(): void {
    if (this.#life.isGone) return;
    this.#files.close(this.#savesAtEnd);
    this.#end('stopped');
  }

  #end(ending: Ending): void {
    if (this.#life.isGone) return;
    if (ending === 'killed') this.#files.cut();
    this.#life.end();
    this.#listener.close();
    const cause = ending === 'killed' ? 'reset' : 'closed';
    this.#upstream.end(cause);
    for (const connection of this.#connections) connection.cut(cause);
    this.#connections.clear();
    this.#onEnd(ending);
  }
}
