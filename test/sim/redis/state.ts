// What the parts of one modelled process share: its dataset and its place in the replication.

import type { Random, Scheduler } from '../ports.ts';
import { type Dataset, EMPTY } from './dataset.ts';
import type { Life } from './life.ts';
import type { Settings, Traits } from './options.ts';
import { Backlog, SELECT_BYTES } from './stream.ts';
import type { Volume } from './volume.ts';

const NO_ID = '0'.repeat(40);

/** Set at run time: CONFIG SET. */
export type Tunables = {
  minReplicas: number;
  maxLagSeconds: number;
  replicaReadOnly: boolean;
  backlogBytes: number;
  disklessDelaySeconds: number;
};

/** The simulator's own eyes on a process: told at once, without a message. */
export type RedisObserver = {
  accepted(id: number): void;
  /** NO ONE; `wasMaster`: it changed nothing. */
  promoted(wasMaster: boolean): void;
  /** `min-replicas-max-lag` was set. */
  lagSet(seconds: number): void;
  /** Its link to a master is up, with all that the master had. */
  joined(): void;
  /** A full sync takes the place of what was there. */
  replaced(before: Dataset, after: Dataset): void;
};

export class State {
  readonly settings: Settings;
  readonly traits: Traits;
  readonly volume: Volume;
  readonly life: Life;
  readonly observer: RedisObserver | null;
  readonly tunables: Tunables;
  dataset: Dataset = EMPTY;
  replid: string;
  replid2 = NO_ID;
  secondOffset = -1;
  offset = 0;
  backlog: Backlog | null = null;
  /** The next write is preceded by SELECT. */
  selectsNext = true;
  /** Until when what is being read is not there, and how much it will be. */
  loading: { readonly dataset: Dataset; readonly from: number; readonly until: number } | null =
    null;
  isAppending: boolean;
  isDiskFull = false;
  /** Writes that no snapshot holds. */
  isDirty = false;
  /** Writes wait for an end that SIGTERM has begun. */
  isShuttingDown = false;
  #selectsInFile = true;
  readonly #random: Random;
  readonly #scheduler: Scheduler;

  constructor(
    settings: Settings,
    traits: Traits,
    volume: Volume,
    world: { life: Life; random: Random; scheduler: Scheduler; observer: RedisObserver | null },
  ) {
    this.settings = settings;
    this.traits = traits;
    this.volume = volume;
    this.life = world.life;
    this.observer = world.observer;
    this.#random = world.random;
    this.#scheduler = world.scheduler;
    this.replid = world.random.hexId();
    this.isAppending = settings.persistence === 'aof';
    this.tunables = {
      minReplicas: settings.minReplicasToWrite,
      maxLagSeconds: settings.minReplicasMaxLagSeconds,
      replicaReadOnly: settings.replicaReadOnly,
      backlogBytes: settings.backlogBytes,
      disklessDelaySeconds: settings.disklessDelaySeconds,
    };
  }

  now(): number {
    return this.#scheduler.now();
  }

  /** Redis counts lags and timeouts in whole seconds of the clock. */
  seconds(): number {
    return Math.floor(this.#scheduler.now() / 1000);
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  integer(below: number): number {
    return this.#random.integer(below);
  }

  setDataset(dataset: Dataset, bytes: number): void {
    this.dataset = dataset;
    this.isDirty = true;
    if (!this.isAppending) return;
    const select = this.#selectsInFile ? SELECT_BYTES : 0;
    this.#selectsInFile = false;
    this.volume.appendOnly = dataset;
    this.volume.appendBytes += bytes + select;
  }

  createBacklog(): void {
    this.backlog ??= new Backlog(this.offset, this.tunables.backlogBytes);
  }

  forgetSecondId(): void {
    this.replid2 = NO_ID;
    this.secondOffset = -1;
  }

  /** A history of its own: nobody can continue what was before. */
  startHistory(): void {
    this.replid = this.#random.hexId();
    this.forgetSecondId();
  }

  /** Continues under a new id; who has not gone further than now may follow. */
  shiftId(replid = this.#random.hexId()): void {
    this.replid2 = this.replid;
    this.secondOffset = this.offset + 1;
    this.replid = replid;
  }

  snapshotMs(dataset: Dataset): number {
    return this.settings.snapshotMs + this.settings.snapshotMsPerKey * dataset.keys;
  }

  loadMs(dataset: Dataset): number {
    return this.settings.loadMs + this.settings.loadMsPerKey * dataset.keys;
  }

  /** The AOF goes on once it was rewritten: until then the file holds what was before. */
  restartAppending(): void {
    if (this.settings.persistence !== 'aof' || this.isAppending) return;
    this.life.after(this.snapshotMs(this.dataset), () => {
      if (this.loading !== null) return;
      this.isAppending = true;
      this.volume.appendOnly = this.dataset;
      this.volume.appendFile++;
      this.volume.appendStart = this.offset;
      this.volume.appendBytes = 0;
      this.#selectsInFile = true;
    });
  }
}
