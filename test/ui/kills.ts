// Kills one master after the other, and notes when each page showed the next one.

import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Scenario } from '../harness/scenario.ts';
import { isHealthy, type Opened } from './browser.ts';
import { shownAfter } from './watch-master.ts';

export const KILLS = 10;

type Times = Readonly<Record<'shown' | 'throughApi' | 'served', number[]>>;

/** Each time on the page of every agent, the dead master's own as well. */
export async function killMasters(
  group: Group,
  { writer }: Scenario,
  pages: readonly Opened[],
  throughApi: readonly Opened[],
): Promise<Times> {
  const times: Times = { shown: [], throughApi: [], served: [] };
  const shownOn = async (some: readonly Opened[], term: number) =>
    await Promise.all(some.map(async ({ page }) => await shownAfter(page, term)));
  for (let round = 0; round < KILLS; round++) {
    const master = await oneMaster(group);
    await Promise.all([...pages, ...throughApi].map(isHealthy));
    const term = (await group.lease())?.term ?? 0;
    const [atMs, mark] = [Date.now(), performance.now()];
    master.redis.signal('SIGKILL');
    const served = writer.firstAfter(mark, 20_000, master.ip);
    const [shown, later] = await Promise.all([shownOn(pages, term), shownOn(throughApi, term)]);
    times.shown.push(...shown.map((each) => each.atMs - atMs));
    times.throughApi.push(...later.map((each) => each.atMs - atMs));
    times.served.push((await served).atMs - mark);
    for (const { pod } of [...shown, ...later])
      if (pod === master.name) throw new Error(`${pod} came back`);
  }
  return times;
}

/** The value below which this share of them is. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN);
}

export function timesText(what: string, values: readonly number[]): string {
  const [median, p95, longest] = [0.5, 0.95, 1].map((share) => quantile(values, share));
  return `${what}, n = ${values.length}: median ${median} ms, p95 ${p95} ms, longest ${longest} ms`;
}
