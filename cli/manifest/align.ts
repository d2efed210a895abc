// Which item of a list became which: items keep their order, some are gone, some are new, some changed inside.

import { isMap } from '../../src/json.ts';

export type Step = {
  /** Absent: a new one. */
  readonly from?: number;
  /** Absent: it is gone. */
  readonly to?: number;
  /** Of a new one: it stands before the old one of this number. */
  readonly before: number;
};

/** Containers, volumes and variables are the same while their name is; objects, while kind and name are. */
function identity(item: unknown): string {
  if (!isMap(item)) return JSON.stringify(item);
  const { kind, name, metadata } = item;
  if (typeof name === 'string') return `name ${name}`;
  if (!isMap(metadata)) return JSON.stringify(item);
  return `object ${JSON.stringify([kind, metadata['namespace'], metadata['name']])}`;
}

/** In the order of the old list. */
export function alignItems(from: readonly unknown[], to: readonly unknown[]): Step[] {
  const [old, now] = [from.map(identity), to.map(identity)];
  // Nearly all of a long list is the same at its beginning and its end.
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const same = (i: number, j: number): Step => ({ from: i, to: j, before: i });
  const between = longestRun(
    old.slice(start, old.length - end),
    now.slice(start, now.length - end),
  ).map((step) => ({
    before: step.before + start,
    ...(step.from === undefined ? {} : { from: step.from + start }),
    ...(step.to === undefined ? {} : { to: step.to + start }),
  }));
  const steps = [
    ...Array.from({ length: start }, (_, index) => same(index, index)),
    ...between,
    ...Array.from({ length: end }, (_, index) =>
      same(old.length - end + index, now.length - end + index),
    ),
  ];
  return steps.reduce<Step[]>((all, step) => {
    const last = all.at(-1);
    // One that went where another came is one that changed.
    const isChange =
      last?.from !== undefined &&
      last.to === undefined &&
      step.from === undefined &&
      step.to !== undefined &&
      isMap(from[last.from]) === isMap(to[step.to]);
    if (isChange) all[all.length - 1] = { ...last, to: step.to };
    else all.push(step);
    return all;
  }, []);
}

/** The longest run of items that both have, in order. */
function longestRun(old: readonly string[], now: readonly string[]): Step[] {
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
