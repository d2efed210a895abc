// The figures of the bench of people as tables to be read, and to be copied elsewhere.

import { aligned } from './figures.ts';
import { rounded, type Spread, spreadText } from './measured-times.ts';
import type {
  PageFigures,
  PeopleResult,
  ScrapeFigures,
  SwitchoverFigures,
} from './people-figures.ts';

type Times = SwitchoverFigures['printed'];

function timesRow(what: string, { n, p50_ms, p95_ms, p99_ms, max_ms }: Times): readonly string[] {
  const times = [p50_ms, p95_ms, p99_ms, max_ms];
  return [what, String(n), ...times.map((time) => (n === 0 ? '-' : String(time)))];
}

/** A difference that was as often below as above nothing is none that was seen. */
function differenceText(difference: Spread): string {
  const isSeen = difference.min > 0 || difference.max < 0;
  return `${spreadText(difference)}${isSeen ? '' : ' *'}`;
}

function percentText({ min, p50, max }: Spread): string {
  return differenceText({
    min: rounded(min * 100, 2),
    p50: rounded(p50 * 100, 2),
    max: rounded(max * 100, 2),
  });
}

const TIMES = ['n', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'] as const;

function switchoverTable(figures: SwitchoverFigures): string {
  const rows = [
    timesRow('pause that the program prints', figures.printed),
    timesRow("old master's last answer to the new one's first", figures.change),
    timesRow('longest time without an answer to any client', figures.clients),
    timesRow('the same before the command: the machine', figures.calm),
    timesRow('longest wait of one client', figures.slowestClient),
    timesRow('the command itself', figures.command),
  ];
  const ratio = figures.change.p50_ms / figures.printed.p50_ms;
  const { lost, acknowledged, failed, rounds } = figures;
  return `${aligned([['switchover by the program', ...TIMES], ...rows])}
lost ${lost} of ${acknowledged} acknowledged writes; failed ${failed} of ${rounds.length} switchovers;
p50 of what clients see to what is printed: ${ratio.toFixed(1)}`;
}

function scrapeTable(figures: ScrapeFigures): string {
  const { atRest_percent, scraped_percent, cpuPerScrape_ms, usualToAtRest, memory } = figures;
  const rows = [
    ['CPU ms of one scrape', spreadText(cpuPerScrape_ms)],
    ['one in 15 s, to the agent at rest', `${(usualToAtRest * 100).toFixed(2)} %`],
    ['CPU %, without', spreadText(atRest_percent)],
    [`CPU %, with ${figures.perSecond.p50}/s`, spreadText(scraped_percent)],
    ['bytes of an answer', String(figures.bytes)],
    ...(['rss_KiB', 'anonymous_KiB'] as const).map((name) => [
      `${name.replace('_', ' ')}, before and after`,
      `${memory.before[name]}, ${memory.after[name]}`,
    ]),
  ];
  const heading = [`${figures.scrapes} scrapes`, 'p50 (min to max)'];
  const times = aligned([['', ...TIMES], timesRow('one answer', figures.answer)]);
  return `${aligned([heading, ...rows])}\n${times}`;
}

function pageTable(figures: PageFigures): string {
  const rows = figures.states.flatMap(({ state, writesPerSecond, open, one, eachOf16 }) => [
    ...open.map((each) => [
      state,
      String(writesPerSecond.p50),
      `${each.pages} open`,
      spreadText(each.cpu_percent),
      spreadText(each.rss_KiB),
      spreadText(each.anonymous_KiB),
      each.pages === 0 ? '-' : spreadText(each.streamBytesPerSecond),
    ]),
    ...([['one page', one] as const, ['each of 16', eachOf16] as const] as const).map(
      ([what, { cpu_percent, rss_KiB, anonymous_KiB }]) => [
        state,
        '',
        what,
        differenceText(cpu_percent),
        differenceText(rss_KiB),
        differenceText(anonymous_KiB),
        '',
      ],
    ),
  ]);
  const heading = [
    'open pages',
    'writes/s',
    '',
    'CPU % p50 (min to max)',
    'RSS KiB',
    'anonymous KiB',
    'B/s of a stream',
  ];
  const shares = figures.states.map(
    ({ state, cpuToNone: { one, eachOf16 } }) =>
      `CPU of a page in % of the agent's without any, ${state}: one ${percentText(one)}, each of 16 ${percentText(eachOf16)}`,
  );
  const { none, sixteen } = figures.firstOpened;
  const each = Math.round((sixteen.rss_KiB - none.rss_KiB) / 16);
  const { n, p50_ms, p99_ms, max_ms } = figures.opened;
  return `${aligned([heading, ...rows])}
* no difference that could be told from none
${shares.join('\n')}
the first 16 ever: RSS from ${none.rss_KiB} to ${sixteen.rss_KiB} KiB, anonymous from ${none.anonymous_KiB} to ${sixteen.anonymous_KiB}: ${each} KiB for each
files of a page: ${figures.fileBytes} bytes; ${n} opened, until the first view p50 ${p50_ms} ms, p99 ${p99_ms}, max ${max_ms}`;
}

export function peopleTables({ switchover, scrapes, pages }: PeopleResult): string {
  return [
    ...(switchover === undefined ? [] : [switchoverTable(switchover)]),
    ...(scrapes === undefined ? [] : [scrapeTable(scrapes)]),
    ...(pages === undefined ? [] : [pageTable(pages)]),
  ].join('\n\n');
}
