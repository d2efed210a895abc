// The figures of the bench of people, from what was measured, and the shape of the file that they are written to.

import { percentile, spreadOf } from './figures.ts';
import { rounded, type Spread, spread, type Stretch } from './measured-times.ts';
import {
  type GroupState,
  PAGES,
  type PageCount,
  type Pages,
  type PagesStretch,
  STATES,
} from './people-pages.ts';
import type { Scrapes } from './people-scrapes.ts';
import type { Asked } from './people-switchover.ts';

/** What most tell Prometheus; by itself it asks once a minute. */
const USUAL_SCRAPE_S = 15;

export type SwitchoverFigures = ReturnType<typeof switchoverFigures>;
export type ScrapeFigures = ReturnType<typeof scrapeFigures>;
export type PageFigures = ReturnType<typeof pageFigures>;

export type PeopleResult = {
  readonly machine: {
    readonly cores: number;
    readonly node: string;
    readonly redis: string;
    readonly at: string;
    /** The greatest of the machine's load over one minute, the bench's own included. */
    readonly load: number;
  };
  switchover?: SwitchoverFigures;
  scrapes?: ScrapeFigures;
  pages?: PageFigures;
};

export function switchoverFigures(rounds: readonly Asked[]) {
  const times = (of: (round: Asked) => number | undefined) =>
    spreadOf(
      rounds.flatMap((round) => of(round) ?? []),
      1,
    );
  const sum = (of: (round: Asked) => number | undefined): number =>
    rounds.reduce((total, round) => total + (of(round) ?? 0), 0);
  return {
    /** What the program tells: from when the successor was told until it took writes, by its own clock. */
    printed: times(({ printedMs }) => printedMs),
    /** From the last acknowledgement of the old master to the first of the new one. */
    change: times((round) => round.changeMs),
    /** The longest time while the command ran in which none of the connections had an answer. */
    clients: times(({ ms }) => ms),
    /** The same before the command: what the machine alone does. */
    calm: times(({ calmMs }) => calmMs),
    /** The longest wait of the unluckiest connection. */
    slowestClient: times(({ slowestMs }) => slowestMs),
    /** Of those that ended well. */
    command: times(({ commandMs, fault }) => (fault === undefined ? commandMs : undefined)),
    acknowledged: sum((round) => round.acknowledged),
    lost: sum((round) => round.lost),
    failed: rounds.filter(({ fault }) => fault !== undefined).length,
    faults: rounds.flatMap(({ fault }, index) =>
      fault === undefined ? [] : [`switchover ${index + 1}: ${fault}`],
    ),
    rounds,
  };
}

export function scrapeFigures({ rounds, timesMs, bytes, before, after, faults }: Scrapes) {
  const perScrape = rounds.map(({ without, with: scraped, scrapes }) => {
    const atRest_ms = (without.cpu_ms / without.seconds) * scraped.seconds;
    return (scraped.cpu_ms - atRest_ms) / scrapes;
  });
  const atRest = rounds.map(({ without }) => without.cpu_percent);
  const usual_percent = percentile(perScrape, 0.5) / (USUAL_SCRAPE_S * 10);
  return {
    scrapes: rounds.reduce((sum, round) => sum + round.scrapes, 0),
    perSecond: spread(
      rounds.map((round) => round.scrapes / round.with.seconds),
      1,
    ),
    cpuPerScrape_ms: spread(perScrape, 3),
    atRest_percent: spread(atRest, 3),
    scraped_percent: spread(
      rounds.map((round) => round.with.cpu_percent),
      3,
    ),
    /** A scrape every 15 s, as a share of what the agent takes without any. */
    usualToAtRest: rounded(usual_percent / percentile(atRest, 0.5), 4),
    answer: spreadOf(timesMs, 2),
    bytes,
    memory: { before: memory(before), after: memory(after) },
    faults,
    rounds,
  };
}

function memory({ rss_KiB, anonymous_KiB }: Stretch) {
  return { rss_KiB, anonymous_KiB };
}

/** What each of so many pages takes beyond the stretch without pages of the same round and state. */
function perPage(stretches: readonly PagesStretch[], pages: PageCount) {
  const differences = (of: (stretch: PagesStretch) => number): readonly number[] =>
    stretches.flatMap((each) => {
      const none = stretches.find(
        (other) => other.pages === 0 && other.round === each.round && other.state === each.state,
      );
      return each.pages !== pages || none === undefined ? [] : [(of(each) - of(none)) / pages];
    });
  return {
    cpu_percent: spread(
      differences((each) => each.cpu_percent),
      3,
    ),
    rss_KiB: spread(
      differences((each) => each.rss_KiB),
      0,
    ),
    anonymous_KiB: spread(
      differences((each) => each.anonymous_KiB),
      0,
    ),
  };
}

function inState(all: readonly PagesStretch[], state: GroupState) {
  const stretches = all.filter((each) => each.state === state);
  const of = (pages: PageCount, figure: (each: PagesStretch) => number, digits: number): Spread =>
    spread(stretches.filter((each) => each.pages === pages).map(figure), digits);
  const open = PAGES.map((pages) => ({
    pages,
    cpu_percent: of(pages, (each) => each.cpu_percent, 3),
    rss_KiB: of(pages, (each) => each.rss_KiB, 0),
    anonymous_KiB: of(pages, (each) => each.anonymous_KiB, 0),
    streamBytesPerSecond: of(pages, (each) => each.bytesPerSecond, 0),
    viewsPerSecond: of(pages, (each) => each.eventsPerSecond, 2),
  }));
  const none = open.find(({ pages }) => pages === 0)?.cpu_percent.p50 ?? Number.NaN;
  const one = perPage(stretches, 1);
  const eachOf16 = perPage(stretches, 16);
  const share = ({ min, p50, max }: Spread): Spread =>
    spread(
      [min, p50, max].map((each) => each / none),
      4,
    );
  return {
    writesPerSecond: spread(
      stretches.map((each) => each.writesPerSecond),
      0,
    ),
    open,
    one,
    eachOf16,
    /** The CPU of a page, as a share of what the agent takes without any. */
    cpuToNone: { one: share(one.cpu_percent), eachOf16: share(eachOf16.cpu_percent) },
  };
}

export function pageFigures({ first, stretches, openedMs, fileBytes, faults }: Pages) {
  return {
    firstOpened: { none: memory(first.none), sixteen: memory(first.most) },
    states: STATES.map((state) => ({ state, ...inState(stretches, state) })),
    opened: spreadOf(openedMs, 1),
    fileBytes,
    faults,
    stretches,
  };
}
