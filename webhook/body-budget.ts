// Bodies that are under way at the same time, together: a flood of large ones must not eat the memory of
// the process. The API server tries again where it is told so.

export class BodyBudget {
  readonly #totalMax: number;
  readonly #oneMax: number;
  #underWay = 0;

  /** Both in bytes; a body of unknown length counts as the largest that is let in. */
  constructor(limits: { readonly total: number; readonly one: number }) {
    this.#totalMax = limits.total;
    this.#oneMax = limits.one;
  }

  /** Takes the share of a request, and gives back what returns it; undefined: there is no room now. */
  take(contentLength: string | undefined): (() => void) | undefined {
    const said = Number(contentLength);
    const bytes = Number.isInteger(said) && said >= 0 ? Math.min(said, this.#oneMax) : this.#oneMax;
    if (this.#underWay > 0 && this.#underWay + bytes > this.#totalMax) return undefined;
    this.#underWay += bytes;
    let isTaken = true;
    return () => {
      if (isTaken) this.#underWay -= bytes;
      isTaken = false;
    };
  }
}
