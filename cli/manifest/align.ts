// Which item of a list became which: items keep their order, some are gone, some are new, some changed inside.

import { isMap } from './plain.ts';

export type Step = {
  /** Absent: a new one. */
  readonly from?: number;
  /** Absent: it is gone. */
  readonly to?: number;
  /** Of a new one: it stands before the old one of this number. */
  readonly before: number;
};

/** Containers, volumes and variables are the same while their name is. */
function identity(item: unknown): string {
  const name = isMap(item) ? item['name'] : undefined;
  return typeof name === 'string' ? `name ${name}` : JSON.stringify(item);
}

/** The longest run of items that both have, in order; in the order of the old list. */
export function alignItems(from: readonly unknown[], to: readonly unknown[]): Step[] {
  const [old, now] = [from.map(identity), to.map(identity)];
  // lengths[i][j]: of the longest common run of what follows i and j.
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] =
        old[i] === now[j]
          ? (lengths[i + 1]?.[j + 1] ?? 0) + 1
          : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [skipOld, skipNew] = [lengths[i + 1]?.[j] ?? -1, lengths[i]?.[j + 1] ?? -1];
    if (i < old.length && j < now.length && old[i] === now[j]) {
      steps.push({ from: i, to: j, before: i });
      i++;
      j++;
    } else if (i < old.length && (j >= now.length || skipOld >= skipNew)) {
      steps.push({ from: i, before: i });
      i++;
    } else {
      steps.push({ to: j, before: i });
      j++;
    }
  }
  return steps;
}
