// A small client of the API server over undici: requests with a timeout, and watches that survive.
// The whole client library would cost the sidecar some 20 MiB.

import { Agent, type Dispatcher, request } from 'undici';
import { messageOf } from '../../src/errors.ts';
import { linesOf } from '../../src/lines.ts';
import type { Clock } from '../clock.ts';
import { spread } from '../core/jitter.ts';
import type { ApiResult } from '../ports.ts';
import type { ApiAccess } from './api-access.ts';

export type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly timeoutMs: number;
};

export type WatchEvent<T> =
  | { readonly type: 'list'; readonly items: readonly T[] }
  | { readonly type: 'set'; readonly item: T }
  | { readonly type: 'delete'; readonly item: T }
  | { readonly type: 'broken'; readonly detail: string };

type Listed = { readonly metadata?: { readonly name?: string; readonly resourceVersion?: string } };
type RawList<T> = { metadata?: { resourceVersion?: string }; items?: T[] };
type RawEvent<T> = { type: string; object: T & Listed & { code?: number; message?: string } };

/** The server ends a watch after so long; a new one continues where it ended. */
const WATCH_SECONDS = 290;
/** A watch whose bytes stop (a cut link) is noticed by bookmarks, sent about once a minute. */
const WATCH_SILENCE_MS = 120_000;
const WATCH_MIN_MS = 1000;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 5000;

/** What the adapters need of it; the simulator has its own. */
export type ApiClient = Pick<KubeApi, 'send' | 'watch'>;

export class KubeApi {
  readonly #credentials: ApiAccess;
  readonly #clock: Clock;
  /** Two connections for requests, so that a swap never queues behind a renewal. */
  readonly #requests: Dispatcher;
  /** The Lease has connections of its own: nothing else that hangs may cost the mastership. */
  readonly #leases: Dispatcher;
  /** A new route must not queue behind a label. */
  readonly #slices: Dispatcher;
  readonly #watches: Dispatcher;
  readonly #aborts = new Set<AbortController>();
  #closed = false;
  requestCount = 0;
  /** Whether the last request was answered, and not by a server that fails. */
  isReachable = false;

  constructor(credentials: ApiAccess, clock: Clock) {
    this.#credentials = credentials;
    this.#clock = clock;
    const connect = { ...credentials.tls, timeout: 3000 };
    const lane = {
      connect,
      connections: 2,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 120_000,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    };
    this.#requests = new Agent(lane);
    this.#leases = new Agent(lane);
    this.#slices = new Agent(lane);
    this.#watches = new Agent({ connect, headersTimeout: 10_000, bodyTimeout: WATCH_SILENCE_MS });
  }

  async send<T>(req: ApiRequest): Promise<ApiResult<T>> {
    this.requestCount++;
    try {
      const response = await request(`${this.#credentials.origin}${req.path}`, {
        dispatcher: this.#laneOf(req.path),
        method: req.method,
        signal: AbortSignal.timeout(req.timeoutMs),
        headers: {
          accept: 'application/json',
          ...this.#credentials.headers(this.#clock.now()),
          ...(req.body === undefined
            ? {}
            : { 'content-type': req.contentType ?? 'application/json' }),
        },
        ...(req.body === undefined ? {} : { body: JSON.stringify(req.body) }),
      });
      const text = await response.body.text();
      this.isReachable = response.statusCode < 500;
      if (response.statusCode < 300) return { ok: true, body: JSON.parse(text) as T };
      return { ok: false, status: response.statusCode, message: statusMessage(text) };
    } catch (error) {
      this.isReachable = false;
      return { ok: false, status: 0, message: messageOf(error) };
    }
  }

  #laneOf(path: string): Dispatcher {
    if (path.includes('/leases')) return this.#leases;
    return path.includes('/endpointslices') ? this.#slices : this.#requests;
  }

  /** Lists and watches until close(); each break backs off with jitter and continues or re-lists. */
  async watch<T extends Listed>(
    path: string,
    query: Record<string, string>,
    listener: (event: WatchEvent<T>) => void,
    random: () => number,
  ): Promise<void> {
    let version = '';
    let failures = 0;
    while (!this.#closed) {
      try {
        if (version === '') version = await this.#list(path, query, listener);
        const startedAt = this.#clock.now();
        version = await this.#follow(path, query, version, listener, () => {
          failures = 0;
        });
        // A server that ends every watch at once must not be asked in a loop.
        const lastedMs = this.#clock.now() - startedAt;
        if (lastedMs < WATCH_MIN_MS) await this.#clock.sleep(spread(WATCH_MIN_MS, random()));
      } catch (error) {
        if (this.#closed) return;
        // 410 Gone and everything odd: the next list starts afresh.
        version = '';
        failures++;
        listener({ type: 'broken', detail: messageOf(error) });
        const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 10));
        await this.#clock.sleep(spread(backoffMs, random()));
      }
    }
  }

  async #list<T extends Listed>(
    path: string,
    query: Record<string, string>,
    listener: (event: WatchEvent<T>) => void,
  ): Promise<string> {
    const search = new URLSearchParams(query).toString();
    const listed = await this.send<RawList<T>>({
      method: 'GET',
      path: `${path}?${search}`,
      timeoutMs: 5000,
    });
    if (!listed.ok) throw new Error(`list ${path}: ${listed.status} ${listed.message}`);
    listener({ type: 'list', items: listed.body.items ?? [] });
    return listed.body.metadata?.resourceVersion ?? '';
  }

  /** Follows one watch to its end; returns the version to continue from. */
  async #follow<T extends Listed>(
    path: string,
    query: Record<string, string>,
    from: string,
    listener: (event: WatchEvent<T>) => void,
    onAlive: () => void,
  ): Promise<string> {
    const search = new URLSearchParams({
      ...query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(WATCH_SECONDS),
    });
    const abort = new AbortController();
    this.#aborts.add(abort);
    this.requestCount++;
    let version = from;
    try {
      const response = await request(`${this.#credentials.origin}${path}?${search.toString()}`, {
        dispatcher: this.#watches,
        method: 'GET',
        signal: abort.signal,
        headers: { accept: 'application/json', ...this.#credentials.headers(this.#clock.now()) },
      });
      if (response.statusCode !== 200) {
        throw new Error(
          `watch ${path}: ${response.statusCode} ${statusMessage(await response.body.text())}`,
        );
      }
      onAlive();
      for await (const line of linesOf(response.body)) {
        const event = JSON.parse(line) as RawEvent<T>;
        if (event.type === 'ERROR') throw new Error(event.object.message ?? 'the watch ended');
        version = event.object.metadata?.resourceVersion ?? version;
        if (event.type === 'ADDED' || event.type === 'MODIFIED') {
          listener({ type: 'set', item: event.object });
        } else if (event.type === 'DELETED') listener({ type: 'delete', item: event.object });
      }
      return version;
    } finally {
      this.#aborts.delete(abort);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const abort of this.#aborts) abort.abort();
    const lanes = [this.#requests, this.#leases, this.#slices, this.#watches];
    await Promise.all(lanes.map((lane) => lane.destroy()));
  }
}

function statusMessage(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    const message =
      typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, 'message') : null;
    return typeof message === 'string' ? message : text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
