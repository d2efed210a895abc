// Large bodies that are under way at the same time, together: a flood of them must not eat the memory of the process.
// What counts is what has come, not what was announced; and where it is too much, the one that has been under way
// longest goes: the API server sends a review at once, so a slow one is nobody's, and holds up nobody.

export type Share = {
  /** So many bytes more have come. */
  readonly add: (bytes: number) => void;
  readonly leave: () => void;
};

export class BodyBudget {
  readonly #max: number;
  /** In the order in which they began. */
  readonly #underWay = new Map<symbol, { bytes: number; readonly drop: () => void }>();
  #total = 0;

  /** In bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** `drop` ends the request. */
  enter(drop: () => void): Share {
    const key = Symbol('body');
    const own = { bytes: 0, drop };
    this.#underWay.set(key, own);
    return {
      add: (bytes) => {
        if (!this.#underWay.has(key)) return;
        own.bytes += bytes;
        this.#total += bytes;
        while (this.#total > this.#max) this.#dropOldest();
      },
      leave: () => this.#leave(key),
    };
  }

  #dropOldest(): void {
    const holding = [...this.#underWay].find(([, { bytes }]) => bytes > 0);
    if (holding === undefined) return;
    const [key, { drop }] = holding;
    this.#leave(key);
    drop();
  }

  #leave(key: symbol): void {
    this.#total -= this.#underWay.get(key)?.bytes ?? 0;
    this.#underWay.delete(key);
  }
}
