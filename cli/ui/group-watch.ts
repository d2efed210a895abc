// One group, looked at again and again while somebody has its page open.
//
// Invariant: a page gets a view only from a look that has just ended. While nobody can be asked nothing is sent, and
// the page calls itself stale.

import type { ServerResponse } from 'node:http';
import { PageStreams } from '../../src/page-streams.ts';
import type { GroupView } from '../../src/group-view.ts';
import type { Looked } from './source.ts';

const EVERY_MS = 500;
/** So long after the last look its view is still of now. */
const FRESH_MS = 1000;
/** A look waits seconds for a node that is gone: the next ones do not wait for it. */
const LOOKS_MAX = 6;

export type WatchOptions = {
  readonly look: () => Promise<Looked | null>;
  readonly now: () => number;
};

export class GroupWatch {
  readonly #options: WatchOptions;
  readonly #streams: PageStreams;
  #view: GroupView;
  #seenAt: number;
  #timer: NodeJS.Timeout | undefined;
  #running = 0;
  #begun = 0;
  #shown = 0;

  private constructor(options: WatchOptions, first: GroupView) {
    this.#options = options;
    this.#view = first;
    this.#seenAt = options.now();
    this.#streams = new PageStreams(() => this.#view, options.now);
  }

  /** Null: there is no such group. */
  static async open(options: WatchOptions): Promise<GroupWatch | null> {
    const first = await options.look();
    return first === null ? null : new GroupWatch(options, first.view);
  }

  /** False: it has too many already. */
  add(stream: ServerResponse): boolean {
    if (!this.#streams.add(stream)) return false;
    this.#timer ??= setInterval(() => void this.#look(), EVERY_MS);
    return true;
  }

  get isWatched(): boolean {
    return !this.#streams.isEmpty;
  }

  /** What it would tell a new page at once is of now. */
  get isFresh(): boolean {
    return this.#options.now() - this.#seenAt < FRESH_MS;
  }

  async #look(): Promise<void> {
    if (!this.isWatched) {
      this.#stop();
      return;
    }
    if (this.#running >= LOOKS_MAX) return;
    this.#running++;
    const number = ++this.#begun;
    const looked = await this.#options.look().catch(() => null);
    this.#running--;
    // An older one that took longer tells of the past.
    if (looked === null || !looked.isKnown || number < this.#shown) return;
    this.#shown = number;
    this.#view = looked.view;
    this.#seenAt = this.#options.now();
    this.#streams.offer();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.#stop();
    this.#streams.close();
  }
}
