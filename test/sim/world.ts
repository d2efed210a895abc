// True time and what happens in it: events in the order of their time, and nothing else. Between
// two events every promise that the first one settled has run to its end.

import type { Scheduler, SimTimer } from './ports.ts';

type Entry = { readonly at: number; readonly order: number; run: (() => void) | null };

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** All promises that are settled run their continuations before a macrotask does. */
function promisesRun(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export class World implements Scheduler {
  #now = 0;
  #order = 0;
  readonly #heap: Entry[] = [];
  #hasSettled = false;
  events = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): SimTimer {
    const entry: Entry = { at: this.#now + Math.max(ms, 0), order: this.#order++, run };
    this.#push(entry);
    return {
      cancel: () => {
        entry.run = null;
      },
    };
  }

  /** Whoever settles a promise of the programs under test says so: its continuations must run. */
  settles(): void {
    this.#hasSettled = true;
  }

  async runUntil(end: number): Promise<void> {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > end) break;
      this.#pop();
      if (first.run === null) continue;
      this.#now = first.at;
      this.events++;
      first.run();
      if (this.#hasSettled) {
        this.#hasSettled = false;
        await promisesRun();
      }
    }
    this.#now = end;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, left)) child++;
      const smaller = heap[child];
      if (smaller === undefined || !isBefore(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}
