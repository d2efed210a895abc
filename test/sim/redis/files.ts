// What a process reads from its volume as it starts, and saves to it while it runs.

import { type Dataset, EMPTY } from './dataset.ts';
import type { State } from './state.ts';
import type { Upstream } from './upstream.ts';
import type { Snapshot, Volume } from './volume.ts';

export class Files {
  readonly #state: State;
  readonly #upstream: Upstream;
  #lastSave: number;
  /** The AOF a second ago at the most. */
  #synced: Pick<Volume, 'appendOnly' | 'appendBytes' | 'appendFile'> | null = null;

  constructor(state: State, upstream: Upstream) {
    this.#state = state;
    this.#upstream = upstream;
    this.#lastSave = state.seconds();
  }

  /** Reads the AOF where it has one to write, else dump.rdb, whoever made that. */
  load(done: () => void): void {
    const state = this.#state;
    const { volume, settings } = state;
    const isAppending = settings.persistence === 'aof';
    const dataset = (isAppending ? volume.appendOnly : volume.snapshot?.dataset) ?? EMPTY;
    const snapshot = isAppending ? null : volume.snapshot;
    const loaded = (): void => {
      state.loading = null;
      state.dataset = dataset;
      if (isAppending) this.#findOffset();
      if (snapshot !== null && snapshot.replid !== null) this.#restore(snapshot.replid, snapshot);
      done();
    };
    const ms = state.loadMs(dataset);
    if (ms === 0) {
      loaded();
      return;
    }
    state.loading = { dataset, from: state.now(), until: state.now() + ms };
    state.life.after(ms, loaded);
  }

  /** A replica goes on from where the snapshot was made; a master lets others do so. */
  #restore(replid: string, { offset }: Snapshot): void {
    const state = this.#state;
    if (this.#upstream.target !== null) {
      state.replid = replid;
      state.offset = offset;
      this.#upstream.restored();
    } else if (state.traits.masterRestoresId) {
      state.replid2 = replid;
      state.secondOffset = offset + 1;
      state.offset = offset;
      state.createBacklog();
    }
  }

  #findOffset(): void {
    const { volume, traits } = this.#state;
    const { appendOnly, appendEnd, appendStart, appendBytes } = volume;
    if (traits.appendOnlyKeepsOffset && appendOnly !== null) {
      this.#state.offset = appendEnd ?? appendStart + appendBytes;
    }
    volume.appendEnd = null;
  }

  /** How much has been read so far. */
  get keys(): number {
    const { loading, dataset } = this.#state;
    if (loading === null) return dataset.keys;
    const share = (this.#state.now() - loading.from) / (loading.until - loading.from);
    return Math.floor(loading.dataset.keys * Math.min(1, share));
  }

  /** Once a second. */
  cron(): void {
    const { settings, isDirty, volume } = this.#state;
    if (settings.persistence === 'aof') {
      const { appendOnly, appendBytes, appendFile } = volume;
      this.#synced = { appendOnly, appendBytes, appendFile };
    }
    if (settings.persistence !== 'rdb' || !isDirty) return;
    const age = this.#state.seconds() - this.#lastSave;
    if (age >= settings.saveAfterSeconds) this.saveInBackground();
  }

  saveInBackground(): void {
    const snapshot = this.#snapshot();
    this.#lastSave = this.#state.seconds();
    this.#state.isDirty = false;
    this.#state.life.after(this.#state.snapshotMs(snapshot.dataset), () => {
      if (!this.#state.isDiskFull) this.#state.volume.snapshot = snapshot;
    });
  }

  /** As it is killed: while an fsync is under way, Redis answers without having written. */
  cut(): void {
    const { settings, volume } = this.#state;
    if (settings.unsyncedChance === 0 || this.#synced?.appendFile !== volume.appendFile) return;
    if (this.#state.chance(settings.unsyncedChance)) Object.assign(volume, this.#synced);
  }

  /** As it stops by itself. */
  close(save: boolean): void {
    const { volume, offset, isDiskFull } = this.#state;
    volume.appendEnd = offset;
    if (save && !isDiskFull) volume.snapshot = this.#snapshot();
  }

  #snapshot(): { dataset: Dataset; replid: string | null; offset: number } {
    const { dataset, replid, offset, backlog } = this.#state;
    const isMaster = this.#upstream.target === null;
    const isPlaced = isMaster ? backlog !== null : this.#upstream.knowsItsMaster;
    return { dataset, replid: isPlaced ? replid : null, offset };
  }
}
