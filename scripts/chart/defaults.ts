// The default of each value of the chart, and the values as a tree of groups.

import { splitList } from '../../src/injection-options.ts';
import { WEBHOOK_OPTIONS } from '../../webhook/config.ts';
import { baseValue } from './base.ts';
import { CHART_VALUES, type ChartValue } from './table.ts';

export function placesOf({ base }: ChartValue): readonly string[] {
  if (base === undefined) return [];
  return typeof base === 'string' ? [base] : base;
}

function defaultOf(path: string, value: ChartValue): unknown {
  if (value.flag !== undefined) {
    const { fallback } = WEBHOOK_OPTIONS[value.flag] as { readonly fallback?: string };
    if (fallback === undefined)
      throw new Error(`${path}: the option of the webhook has no default`);
    return value.separator === undefined ? fallback : splitList(fallback, value.separator);
  }
  const [first, ...others] = placesOf(value).map(baseValue);
  if (first === undefined) return value.fallback;
  for (const other of others) {
    if (JSON.stringify(other) !== JSON.stringify(first)) {
      throw new Error(`${path}: the base has two values of it`);
    }
  }
  return first;
}

export type Leaf = { readonly path: string; readonly value: ChartValue; readonly initial: unknown };
export type Group = {
  readonly path: string;
  readonly members: Map<string, Group | Leaf>;
};

export function isGroup(each: Group | Leaf): each is Group {
  return 'members' in each;
}

/** All values in the order of the table, below the groups that their paths name. */
export function valueTree(): Group {
  const root: Group = { path: '', members: new Map() };
  for (const [path, value] of Object.entries(CHART_VALUES)) {
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    let group = root;
    for (const step of steps) {
      const groupPath = group.path === '' ? step : `${group.path}.${step}`;
      const found = group.members.get(step) ?? { path: groupPath, members: new Map() };
      if (!isGroup(found)) throw new Error(`${path}: ${found.path} is a value and no group`);
      group.members.set(step, found);
      group = found;
    }
    group.members.set(last, { path, value, initial: defaultOf(path, value) });
  }
  return root;
}
