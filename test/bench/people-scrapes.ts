// What a scrape costs: the agent's CPU in stretches with and without GETs of /metrics, by turns.

import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import { messageOf } from '../../src/errors.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import type { Pod } from '../harness/pod.ts';
import { type Stretch, stretch } from './measured-times.ts';

/** As Prometheus asks, over a connection that is kept. */
const HEADERS = {
  accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3',
  'accept-encoding': 'gzip',
  'user-agent': 'Prometheus/3.0',
};
const WARM_UP = 100;
const SETTLING_MS = 1000;

export type Scrapes = {
  readonly rounds: readonly {
    readonly without: Stretch;
    readonly with: Stretch;
    readonly scrapes: number;
  }[];
  readonly timesMs: readonly number[];
  readonly bytes: number;
  readonly before: Stretch;
  readonly after: Stretch;
  readonly faults: readonly string[];
};

class Scraper {
  readonly timesMs: number[] = [];
  readonly faults: string[] = [];
  bytes = 0;
  readonly #client: Client;

  constructor(pod: Pod) {
    this.#client = new Client(`http://${pod.ip}:${AGENT_PORT}`);
  }

  async scrape(): Promise<void> {
    const startedMs = performance.now();
    try {
      const { statusCode, body } = await this.#client.request({
        method: 'GET',
        path: '/metrics',
        headers: HEADERS,
      });
      const text = await body.text();
      this.timesMs.push(performance.now() - startedMs);
      this.bytes = Buffer.byteLength(text);
      if (statusCode !== 200) this.faults.push(`scrape: status ${statusCode}`);
    } catch (error) {
      this.faults.push(`scrape: ${messageOf(error)}`);
    }
  }

  /** At a steady rate until told to end: one that is late is made up for. Answers how many there were. */
  async run(rate: number, signal: AbortSignal): Promise<number> {
    const startedMs = performance.now();
    let made = 0;
    while (!signal.aborted) {
      await this.scrape();
      made++;
      const dueMs = startedMs + (made * 1000) / rate;
      await pause(Math.max(0, dueMs - performance.now()));
    }
    return made;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

export async function measureScrapes(
  pod: Pod,
  { rounds, seconds, rate }: { rounds: number; seconds: number; rate: number },
  say: (text: string) => void,
): Promise<Scrapes> {
  const { pid } = pod.agent.process;
  const scraper = new Scraper(pod);
  const before = await stretch(pid, seconds);
  // What is compiled at the first scrapes is paid once in the agent's life.
  for (let made = 0; made < WARM_UP; made++) await scraper.scrape();
  scraper.timesMs.length = 0;
  const done: Scrapes['rounds'][number][] = [];
  const without = async (): Promise<Stretch> => {
    await pause(SETTLING_MS);
    return await stretch(pid, seconds);
  };
  const scraped = async () => {
    await pause(SETTLING_MS);
    const end = new AbortController();
    const running = scraper.run(rate, end.signal);
    const measured = await stretch(pid, seconds);
    end.abort();
    return { measured, scrapes: await running };
  };
  for (let round = 1; round <= rounds; round++) {
    // Which comes first changes, so that a steady drift cancels out.
    const first = round % 2 === 1 ? await without() : undefined;
    const { measured, scrapes } = await scraped();
    const other = first ?? (await without());
    done.push({ without: other, with: measured, scrapes });
    say(
      `scrapes ${round}/${rounds}: CPU ${other.cpu_ms} ms without, ${measured.cpu_ms} with ${scrapes}`,
    );
  }
  const after = await stretch(pid, seconds);
  await scraper.close();
  const { timesMs, bytes, faults } = scraper;
  return { rounds: done, timesMs, bytes, before, after, faults };
}
