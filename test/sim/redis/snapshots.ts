// Full syncs of a process's replicas: one child process at a time makes a snapshot, to sockets
// (Redis 7.0 and later) or to the disk (before).

import type { SimTimer } from '../ports.ts';
import type { Dataset } from './dataset.ts';
import type { ReplicaLink } from './downstream.ts';
import type { State } from './state.ts';

/** A child that has ended is noticed ten times a second. */
const REAP_MS = 100;

type Child = { readonly dataset: Dataset; readonly offset: number; timer: SimTimer };

export class Snapshots {
  readonly #state: State;
  readonly #owner: { links(): readonly ReplicaLink[]; refreshGood(): void };
  #child: Child | null = null;

  constructor(state: State, owner: { links(): readonly ReplicaLink[]; refreshGood(): void }) {
    this.#state = state;
    this.#owner = owner;
  }

  /** Begins one for those who wait, where none is under way. */
  start(isCron: boolean): void {
    const state = this.#state;
    const waiting = this.#owner.links().filter(({ phase }) => phase === 'waiting');
    if (waiting.length === 0) return;
    if (this.#child !== null) {
      if (!state.traits.diskless) this.#join(waiting, this.#child);
      return;
    }
    const delayMs = state.traits.diskless ? state.tunables.disklessDelaySeconds * 1000 : 0;
    const longest = Math.max(...waiting.map(({ since }) => state.now() - since));
    if (delayMs > 0 && (!isCron || longest < delayMs)) return;
    const { dataset, offset, replid } = state;
    state.selectsNext = true;
    for (const link of waiting) {
      link.phase = 'snapshot';
      link.startsAt = offset;
      link.send({ kind: 'full-resync', replid, offset });
    }
    const ms = state.snapshotMs(dataset);
    if (state.traits.diskless) {
      const timer = state.life.after(ms, () => this.#sent(dataset));
      this.#child = { dataset, offset, timer };
      return;
    }
    const timer = state.life.after(ms + state.integer(REAP_MS), () => {
      state.volume.snapshot = { dataset, replid, offset };
      this.#sent(dataset);
      this.#reap();
    });
    this.#child = { dataset, offset, timer };
  }

  /** On disk: whoever comes while it is written takes it too, where another waits for it. */
  #join(waiting: readonly ReplicaLink[], child: Child): void {
    const other = this.#owner.links().find(({ phase }) => phase === 'snapshot');
    if (other === undefined) return;
    this.#state.selectsNext = true;
    for (const link of waiting) {
      link.phase = 'snapshot';
      link.startsAt = child.offset;
      link.pending = [...other.pending];
      link.send({ kind: 'full-resync', replid: this.#state.replid, offset: child.offset });
    }
  }

  #sent(dataset: Dataset): void {
    for (const link of this.#owner.links()) {
      if (link.phase !== 'snapshot' || link.isSent) continue;
      link.isSent = true;
      link.send({ kind: 'snapshot', dataset });
    }
    const child = this.#child;
    if (child === null || !this.#state.traits.diskless) return;
    child.timer = this.#state.life.after(this.#state.integer(REAP_MS), () => this.#reap());
  }

  /** The child is gone: its replicas are online; after a diskless sync once they say so. */
  #reap(): void {
    this.#child?.timer.cancel();
    this.#child = null;
    for (const link of this.#owner.links()) {
      if (link.phase !== 'snapshot' || !link.isSent) continue;
      link.phase = 'online';
      link.ackedAt = this.#state.seconds();
      if (!this.#state.traits.diskless) stream(link);
    }
    this.#owner.refreshGood();
    this.start(false);
  }

  acknowledged(link: ReplicaLink): void {
    const { traits, settings } = this.#state;
    if (traits.diskless && link.phase === 'snapshot' && link.isSent && this.#child !== null) {
      // Redis looks for the child's end here, but the child may not have ended quite yet.
      const isHeldBack = !traits.hasSnapshotChannel && this.#state.chance(settings.heldBackChance);
      if (!isHeldBack) this.#reap();
    }
    if (link.phase === 'online' && !link.isStreaming) stream(link);
  }

  /** A snapshot for sockets that nobody listens to any more is given up. */
  detached(): void {
    const isWanted = this.#owner.links().some(({ phase }) => phase === 'snapshot');
    if (this.#child === null || isWanted || !this.#state.traits.diskless) return;
    this.#child.timer.cancel();
    this.#child = null;
    this.start(false);
  }
}

function stream(link: ReplicaLink): void {
  link.isStreaming = true;
  for (const entry of link.pending) link.send(entry);
  link.pending = [];
}
