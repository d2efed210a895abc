// A process as a replica: the link to its master, and what it remembers of one that it lost.

import type { Network } from '../ports.ts';
import { appended, type Dataset, EMPTY } from './dataset.ts';
import type { Downstream } from './downstream.ts';
import { MasterLink } from './master-link.ts';
import type { FromRedis } from './protocol.ts';
import type { State } from './state.ts';
import type { StreamEntry } from './stream.ts';

const REDIS_PORT = 6379;

export class Upstream {
  readonly #state: State;
  readonly #network: Network;
  readonly #downstream: Downstream;
  #target: { readonly host: string; readonly port: number } | null = null;
  #phase: 'idle' | 'handshake' | 'transfer' | 'connected' = 'idle';
  /** Id and offset are of a master: it may be asked to continue. */
  #hasCachedMaster = false;
  /** Its place in the master's stream; on 6.0 its own stream may have bytes more. */
  #reached = 0;
  #link: MasterLink | null = null;
  #heardAt = 0;
  #promised = { replid: '', offset: 0 };

  constructor(state: State, network: Network, downstream: Downstream) {
    this.#state = state;
    this.#network = network;
    this.#downstream = downstream;
  }

  get target(): { readonly host: string; readonly port: number } | null {
    return this.#target;
  }

  get isConnected(): boolean {
    return this.#phase === 'connected';
  }

  get isSyncing(): boolean {
    return this.#phase === 'transfer';
  }

  /** What INFO calls the slave's offset: 1 where it never had a master. */
  get offset(): number {
    return this.knowsItsMaster ? this.#reached : 1;
  }

  get knowsItsMaster(): boolean {
    return this.isConnected || this.#hasCachedMaster;
  }

  /** At the start: `replicaof` of the command line. */
  bootFenced(host: string, port: number): void {
    this.#target = { host, port };
  }

  /** Its own id and offset are the place to continue from: a snapshot's, or those of a master. */
  restored(): void {
    this.#hasCachedMaster = true;
    this.#reached = this.#state.offset;
  }

  /** REPLICAOF. Returns false where it follows that one already. */
  follow(host: string, port: number): boolean {
    const before = this.#target;
    if (before?.host === host && before.port === port) return false;
    this.#hangUp();
    this.#target = { host, port };
    if (!this.#state.traits.keepsReplicaLinks) this.#downstream.dropAll();
    if (before === null) this.restored();
    if (this.#state.traits.dialsAtOnce) this.#dial();
    return true;
  }

  /** REPLICAOF NO ONE. */
  unfollow(): void {
    if (this.#target === null) return;
    this.#target = null;
    this.#hangUp();
    this.#hasCachedMaster = false;
    this.#state.shiftId();
    this.#downstream.dropAll();
    this.#state.selectsNext = true;
    this.#downstream.promoted();
    this.#state.restartAppending();
  }

  /** Once a second. */
  cron(): void {
    if (this.#target === null) return;
    const silence = this.#state.seconds() - this.#heardAt;
    if (this.#phase !== 'idle' && silence > this.#state.settings.replTimeoutSeconds) {
      this.#lost();
    }
    if (this.#phase === 'idle') this.#dial();
    if (this.isConnected) this.#acknowledge();
  }

  /** As the process ends. */
  end(cause: 'closed' | 'reset'): void {
    this.#link?.end(cause);
    this.#link = null;
  }

  #acknowledge(): void {
    this.#link?.send({ kind: 'ack', offset: this.#reached });
  }

  #hangUp(): void {
    this.end('closed');
    if (this.isConnected) this.#hasCachedMaster = true;
    this.#phase = 'idle';
  }

  #lost(): void {
    const wasConnected = this.isConnected;
    this.#hangUp();
    if (wasConnected && this.#state.traits.dialsAtOnce) this.#dial();
  }

  #dial(): void {
    if (this.#target?.port !== REDIS_PORT) return;
    this.#phase = 'handshake';
    this.#heardAt = this.#state.seconds();
    this.#link = new MasterLink(this.#state, this.#network, this.#target.host, {
      onOpen: () => this.#opened(),
      onMessage: (message) => this.#heard(message),
      onClose: () => this.#lost(),
    });
  }

  #opened(): void {
    this.#heardAt = this.#state.seconds();
    const { replid } = this.#state;
    const offset = this.#reached + 1;
    if (this.#hasCachedMaster) this.#link?.send({ kind: 'psync', replid, offset });
    else this.#link?.send({ kind: 'psync', replid: '?', offset: -1 });
  }

  #heard(message: FromRedis): void {
    this.#heardAt = this.#state.seconds();
    switch (message.kind) {
      case 'entry':
        this.#apply(message);
        return;
      case 'sync-refused':
        this.#hangUp();
        return;
      case 'continue':
        this.#continues(message.replid);
        return;
      case 'full-resync':
        if (this.#state.traits.forgetsAtFullResync) this.#forget();
        this.#phase = 'transfer';
        this.#promised = { replid: message.replid, offset: message.offset };
        return;
      case 'snapshot':
        this.#load(message.dataset);
        return;
      case 'replies':
        return;
    }
  }

  #forget(): void {
    this.#hasCachedMaster = false;
    this.#downstream.dropAll();
    this.#state.backlog = null;
  }

  #apply(entry: StreamEntry): void {
    const state = this.#state;
    const { dataset, bytes } = entry;
    if (entry.isGarbled) {
      this.#hangUp();
      this.#hasCachedMaster = false;
      return;
    }
    if (dataset !== null) {
      const isSame = dataset.previous === state.dataset;
      state.setDataset(isSame ? dataset : appended(state.dataset, dataset.id), bytes);
    }
    if (entry.asksForAck) this.#acknowledge();
    this.#reached += bytes;
    const end = state.offset + bytes;
    this.#downstream.forward(end === entry.end ? entry : { ...entry, end });
  }

  #continues(replid: string): void {
    this.#hasCachedMaster = false;
    this.#phase = 'connected';
    if (replid !== this.#state.replid) {
      this.#state.shiftId(replid);
      this.#downstream.dropAll();
    }
    this.#state.createBacklog();
    this.#state.observer?.joined();
  }

  /** The old data go first: from here on it cannot be told to do anything else. */
  #load(dataset: Dataset): void {
    const state = this.#state;
    state.observer?.replaced(state.dataset, dataset);
    this.#forget();
    state.volume.snapshot = { dataset, ...this.#promised };
    state.isAppending = false;
    state.dataset = EMPTY;
    const ms = state.loadMs(dataset);
    state.loading = { dataset, from: state.now(), until: state.now() + ms };
    if (ms === 0) this.#loaded(dataset);
    else state.life.after(ms, () => this.#loaded(dataset));
  }

  #loaded(dataset: Dataset): void {
    const state = this.#state;
    state.loading = null;
    state.dataset = dataset;
    state.replid = this.#promised.replid;
    state.offset = this.#promised.offset;
    this.#reached = state.offset;
    state.forgetSecondId();
    state.createBacklog();
    state.restartAppending();
    this.#phase = 'connected';
    state.observer?.joined();
    this.#heardAt = state.seconds();
    if (state.traits.diskless) this.#acknowledge();
    this.#link?.goOn();
  }
}
