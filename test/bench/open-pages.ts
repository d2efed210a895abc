// Open live pages as a browser has them: the page's files, then its stream, over connections of their own.

import { Agent, request } from 'undici';
import { messageOf } from '../../src/errors.ts';
import { PAGE_FILES } from '../../src/page-files.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import type { Pod } from '../harness/pod.ts';
import { waitFor } from '../harness/wait-for.ts';

const FIRST_VIEW_TIMEOUT_MS = 10_000;
/** A browser opens so many to one host, and keeps them; one of them has the stream. */
const CONNECTIONS = 6;
const KEPT_MS = 300_000;

export class OpenPage {
  /** Of the stream: bytes and whole events. */
  bytes = 0;
  events = 0;
  /** From the first request until the first view was there. */
  readonly openedMs: number;
  readonly fileBytes: number;
  fault: string | undefined;
  readonly #connections = new Agent({ connections: CONNECTIONS, keepAliveTimeout: KEPT_MS });
  readonly #end = new AbortController();

  private constructor() {
    this.openedMs = 0;
    this.fileBytes = 0;
  }

  static async open(pod: Pod): Promise<OpenPage> {
    const page = new OpenPage();
    const startedMs = performance.now();
    const base = `http://${pod.ip}:${AGENT_PORT}/ui/`;
    const [html, ...others] = PAGE_FILES;
    const first = await page.#file(`${base}${html?.name ?? ''}`);
    const rest = await Promise.all(
      others.map(async ({ name }) => await page.#file(`${base}${name}`)),
    );
    await page.#listen(`${base}events`);
    await waitFor('a first view', () => page.events > 0, {
      timeoutMs: FIRST_VIEW_TIMEOUT_MS,
      everyMs: 1,
    });
    return Object.assign(page, {
      openedMs: performance.now() - startedMs,
      fileBytes: rest.reduce((sum, each) => sum + each, first),
    });
  }

  async #file(url: string): Promise<number> {
    const { statusCode, body } = await request(url, { dispatcher: this.#connections });
    const bytes = (await body.arrayBuffer()).byteLength;
    if (statusCode !== 200) throw new Error(`${url}: status ${statusCode}`);
    return bytes;
  }

  async #listen(url: string): Promise<void> {
    const { statusCode, body } = await request(url, {
      dispatcher: this.#connections,
      headers: { accept: 'text/event-stream', 'cache-control': 'no-cache' },
      signal: this.#end.signal,
      bodyTimeout: 0,
    });
    if (statusCode !== 200) throw new Error(`${url}: status ${statusCode}`);
    let last = '';
    body.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      // An event ends with an empty line, which may come in two pieces.
      const text = last + chunk.toString('latin1');
      this.events += text.split('\n\n').length - 1;
      last = text.endsWith('\n\n') ? '' : text.slice(-1);
    });
    const ended = (error?: Error): void => {
      if (!this.#end.signal.aborted) this.fault = messageOf(error ?? 'the stream ended');
    };
    body.on('error', ended);
    body.on('end', () => ended());
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#connections.destroy();
  }
}
