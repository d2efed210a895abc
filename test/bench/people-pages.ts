// What open live pages cost: the agent's CPU and memory with none, one and as many as it takes, by turns, at rest
// and while the group is written to.

import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from '../harness/pod.ts';
import { redisCommand } from '../harness/redis-client.ts';
import { Load } from './load.ts';
import { type Stretch, stretch } from './measured-times.ts';
import { OpenPage } from './open-pages.ts';
import type { OurGroup } from './ours.ts';

/** The agent takes so many and no more (src/page-streams.ts). */
const MOST = 16;
export const PAGES = [0, 1, MOST] as const;
export type PageCount = (typeof PAGES)[number];

export const STATES = ['at rest', 'under writes'] as const;
export type GroupState = (typeof STATES)[number];

const SETTLING_MS = 2000;
/** The agent hears of the end of the last ones before the next ones come. */
const CLOSED_MS = 500;
/** A view a second: fewer than this share of them, and the pages were not served as they should be. */
const EVENTS_SHARE_MIN = 0.8;

export type PagesStretch = Stretch & {
  readonly pages: PageCount;
  readonly state: GroupState;
  /** Stretches of one round are compared with each other. */
  readonly round: number;
  readonly writesPerSecond: number;
  /** Of one stream; 0 without pages. */
  readonly bytesPerSecond: number;
  readonly eventsPerSecond: number;
};

export type Pages = {
  /** Before any page was ever opened, and then with the first ones: memory that was taken once is not given back. */
  readonly first: { readonly none: Stretch; readonly most: Stretch };
  readonly stretches: readonly PagesStretch[];
  readonly openedMs: readonly number[];
  readonly fileBytes: number;
  readonly faults: readonly string[];
};

type Kept = { openedMs: number[]; fileBytes: number; faults: string[] };

async function withPages(
  pod: Pod,
  pages: PageCount,
  seconds: number,
  kept: Kept,
): Promise<Stretch & { readonly bytesPerSecond: number; readonly eventsPerSecond: number }> {
  const opened: OpenPage[] = [];
  try {
    // One after the other: the time of opening is that of one. Always as many, of which the others are closed:
    // what opening makes the agent tidy up in its heap would else be tidied up where none are opened, and
    // there look like the cost of no page.
    for (let count = 0; count < MOST; count++) opened.push(await OpenPage.open(pod));
    kept.openedMs.push(...opened.map(({ openedMs }) => openedMs));
    kept.fileBytes = opened[0]?.fileBytes ?? kept.fileBytes;
    await Promise.all(opened.splice(pages).map(async (page) => await page.close()));
    await pause(SETTLING_MS);
    const sum = (of: (page: OpenPage) => number): number =>
      opened.reduce((all, page) => all + of(page), 0);
    const before = { bytes: sum(({ bytes }) => bytes), events: sum(({ events }) => events) };
    const measured = await stretch(pod.agent.process.pid, seconds);
    const perSecond = (total: number): number =>
      pages === 0 ? 0 : total / pages / measured.seconds;
    const eventsPerSecond = perSecond(sum(({ events }) => events) - before.events);
    kept.faults.push(...opened.flatMap(({ fault }) => (fault === undefined ? [] : [fault])));
    if (pages > 0 && eventsPerSecond < EVENTS_SHARE_MIN) {
      kept.faults.push(`${pages} pages got ${eventsPerSecond.toFixed(2)} views a second`);
    }
    return {
      ...measured,
      bytesPerSecond: perSecond(sum(({ bytes }) => bytes) - before.bytes),
      eventsPerSecond,
    };
  } finally {
    await Promise.all(opened.map(async (page) => await page.close()));
    await pause(CLOSED_MS);
  }
}

export async function measurePages(
  ours: OurGroup,
  pod: Pod,
  { rounds, seconds }: { rounds: number; seconds: number },
  say: (text: string) => void,
): Promise<Pages> {
  const kept: Kept = { openedMs: [], fileBytes: 0, faults: [] };
  const stretches: PagesStretch[] = [];
  const none = await stretch(pod.agent.process.pid, seconds);
  const first = { none, most: await withPages(pod, MOST, seconds, kept) };
  kept.openedMs.length = 0;
  for (let round = 1; round <= rounds; round++) {
    for (const state of STATES) {
      const load = state === 'at rest' ? undefined : new Load([pod.ip], `pages:${round}`);
      try {
        // Back and forth, so that a steady drift cancels out over two rounds.
        for (const pages of round % 2 === 1 ? PAGES : PAGES.toReversed()) {
          const writesBefore = load?.ledger.length ?? 0;
          const startedMs = performance.now();
          const measured = await withPages(pod, pages, seconds, kept);
          const writes = (load?.ledger.length ?? 0) - writesBefore;
          const writesPerSecond = (writes * 1000) / (performance.now() - startedMs);
          stretches.push({ ...measured, pages, state, round, writesPerSecond });
          const { cpu_percent, rss_KiB } = measured;
          say(
            `pages ${round}/${rounds}, ${state}, ${pages} open: CPU ${cpu_percent} %, ${rss_KiB} KiB`,
          );
        }
      } finally {
        await load?.stop();
      }
      // All rounds begin with the same few data.
      if (load !== undefined) await redisCommand(pod.ip, ours.access, 'FLUSHALL', 'ASYNC');
    }
  }
  return { first, stretches, ...kept };
}
