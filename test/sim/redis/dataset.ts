// A dataset: the writes that it holds, newest first, as a list that is never changed. A snapshot, a
// full sync and an AOF are the pointer to its head.

export type Dataset = {
  readonly id: number;
  readonly previous: Dataset | null;
  readonly keys: number;
};

/** Holds no write; its id is nobody's. */
export const EMPTY: Dataset = { id: -1, previous: null, keys: 0 };

export function appended(dataset: Dataset, id: number): Dataset {
  return { id, previous: dataset, keys: dataset.keys + 1 };
}

export function holds(dataset: Dataset, id: number): boolean {
  for (let at: Dataset | null = dataset; at !== null; at = at.previous) {
    if (at.id === id) return true;
  }
  return false;
}

/** Ids of its writes, in the order in which they came. */
export function idsOf(dataset: Dataset): number[] {
  const ids: number[] = [];
  for (let at: Dataset = dataset; at.previous !== null; at = at.previous) ids.push(at.id);
  return ids.toReversed();
}
