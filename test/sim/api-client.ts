// One agent's way to the simulated API server: requests that are late, lost or answered in vain, and
// watches that list, follow and begin again.

import type { ApiClient, ApiRequest, WatchEvent } from '../../agent/kube/api.ts';
import { spread } from '../../agent/core/jitter.ts';
import type { ApiResult } from '../../agent/ports.ts';
import {
  type Answer,
  type Change,
  type Collection,
  isWatched,
  type SimApiServer,
  type Watched,
  type Watcher,
} from './api-server.ts';
import type { SimNetwork } from './network.ts';
import type { Random } from './ports.ts';
import type { SimProcess } from './process.ts';

/** The API server's address in the simulated network. */
export const API_HOST = 'api';

export type ApiTrouble = {
  /** Share of the requests that are answered with this status. */
  status: number;
  share: number;
  /** The write was done all the same. */
  isDone: boolean;
};

const HELD_POLL_MS = 50;
const LIST_TIMEOUT_MS = 5000;

export class SimApiClient implements ApiClient {
  readonly #server: SimApiServer;
  readonly #network: SimNetwork;
  readonly #process: SimProcess;
  readonly #random: Random;
  readonly #host: string;
  /** Faults on this agent's requests alone. */
  trouble: ApiTrouble | null = null;
  slowMs = 0;
  watchLagMs = 0;
  requestCount = 0;
  readonly #breaks = new Set<() => void>();

  constructor(parts: {
    server: SimApiServer;
    network: SimNetwork;
    process: SimProcess;
    random: Random;
    host: string;
  }) {
    this.#server = parts.server;
    this.#network = parts.network;
    this.#process = parts.process;
    this.#random = parts.random;
    this.#host = parts.host;
  }

  /** The connections of a process that dies. */
  close(): void {
    for (const stop of this.#breaks) stop();
  }

  #delayMs(): number {
    const tailMs = this.#random.chance(0.01) ? this.#random.real() * 400 : 0;
    return 0.5 + this.#random.real() * 3 + tailMs + this.slowMs;
  }

  send<T>(request: ApiRequest): Promise<ApiResult<T>> {
    this.requestCount++;
    return this.#process.promise<ApiResult<T>>((resolve) => {
      const { world } = this.#process;
      const finish = (result: ApiResult<T>): void => {
        timer.cancel();
        // What comes after the first is nobody's any more.
        resolve(result);
      };
      const late = { ok: false, status: 0, message: 'no answer in time' } as const;
      const timer = world.after(request.timeoutMs, () => finish(late));
      // A request that left may be handled long after its sender gave up.
      const isLate = this.#random.chance(0.004);
      const latestMs = request.timeoutMs + this.#random.real() * 1500;
      this.#reach(isLate ? latestMs : this.#delayMs(), () => {
        if (this.#server.mode === 'hang') return;
        if (this.#server.mode === 'refuse') {
          return finish({ ok: false, status: 0, message: 'connect ECONNREFUSED' });
        }
        const answer = this.#answer(request);
        world.after(this.#delayMs(), () => {
          if (this.#network.isCut(API_HOST, this.#host)) return;
          if (answer.status < 300) finish({ ok: true, body: answer.body as T });
          else finish({ ok: false, status: answer.status, message: String(answer.body) });
        });
      });
    });
  }

  /** On a cut link most requests are lost; some arrive when it heals. */
  #reach(inMs: number, arrive: () => void): void {
    const { world } = this.#process;
    const isPatient = this.#random.chance(0.3);
    const attempt = (): void => {
      if (!this.#network.isCut(this.#host, API_HOST)) arrive();
      else if (isPatient) world.after(HELD_POLL_MS * 4, attempt);
    };
    world.after(inMs, attempt);
  }

  #answer(request: ApiRequest): Answer {
    const { trouble } = this;
    if (trouble !== null && this.#random.chance(trouble.share)) {
      if (trouble.isDone) this.#server.handle(request);
      return { status: trouble.status, body: 'a fault of the schedule' };
    }
    return this.#server.handle(request);
  }

  async watch<T>(
    path: string,
    query: Record<string, string>,
    listener: (event: WatchEvent<T>) => void,
  ): Promise<void> {
    const collection: Collection = path.endsWith('/leases') ? 'leases' : 'pods';
    const name = query['fieldSelector']?.replace('metadata.name=', '') ?? null;
    let failures = 0;
    for (;;) {
      const detail = await this.#follow({ collection, name }, listener as never, () => {
        failures = 0;
      });
      failures++;
      this.#process.run(() => listener({ type: 'broken', detail }));
      const backoffMs = Math.min(5000, 50 * 2 ** Math.min(failures, 10));
      const waitMs = spread(backoffMs, this.#random.real());
      await this.#process.promise<void>((resolve) => {
        this.#process.world.after(waitMs, () => resolve());
      });
    }
  }

  /** Lists, then follows until the watch breaks; resolves with the reason. */
  #follow(
    what: Watched,
    listener: (event: WatchEvent<unknown>) => void,
    onAlive: () => void,
  ): Promise<string> {
    return this.#process.promise<string>((resolve) => {
      const { world } = this.#process;
      const server = this.#server;
      const stream = new WatchStream(this.#process, what, {
        delayMs: () => this.#delayMs() + this.watchLagMs,
        isCut: () => this.#network.isCut(API_HOST, this.#host),
      });
      const end = (detail: string): void => {
        if (!this.#breaks.delete(breakIt)) return;
        timer.cancel();
        stream.stop();
        server.watchers.delete(stream);
        server.breaks.delete(breakIt);
        resolve(detail);
      };
      const breakIt = (): void => end('the watch ended');
      const timer = world.after(LIST_TIMEOUT_MS, () => end('list: no answer'));
      this.#breaks.add(breakIt);
      this.requestCount += 2;
      this.#reach(this.#delayMs(), () => {
        if (!this.#breaks.has(breakIt) || server.mode === 'hang') return;
        if (server.mode === 'refuse') return end('connect ECONNREFUSED');
        const { trouble } = this;
        if (trouble !== null && this.#random.chance(trouble.share)) {
          return end(`list: ${trouble.status}`);
        }
        const items = server.list(what.collection).filter((item) => isWatched(what, item));
        stream.deliver(() => {
          timer.cancel();
          onAlive();
          listener({ type: 'list', items });
        });
        stream.listener = ({ type, item }) => listener({ type, item });
        server.watchers.add(stream);
        server.breaks.add(breakIt);
      });
    });
  }
}

/** Events of one watch: in order, late, and held up while the way back is cut. */
class WatchStream implements Watcher {
  readonly what: Watched;
  readonly #process: SimProcess;
  readonly #way: { delayMs(): number; isCut(): boolean };
  readonly #queue: { at: number; run: () => void }[] = [];
  #isPumping = false;
  #isStopped = false;
  listener: (change: Change) => void = () => undefined;

  constructor(process: SimProcess, what: Watched, way: { delayMs(): number; isCut(): boolean }) {
    this.#process = process;
    this.what = what;
    this.#way = way;
  }

  notify(change: Change): void {
    this.deliver(() => this.listener(change));
  }

  deliver(run: () => void): void {
    this.#queue.push({ at: this.#process.world.now() + this.#way.delayMs(), run });
    if (!this.#isPumping) this.#pump();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #pump(): void {
    const { world } = this.#process;
    const first = this.#queue[0];
    this.#isPumping = first !== undefined;
    if (first === undefined) return;
    const arrive = (): void => {
      if (this.#isStopped) return;
      if (this.#way.isCut()) {
        world.after(HELD_POLL_MS, arrive);
        return;
      }
      this.#queue.shift();
      this.#process.run(first.run);
      this.#pump();
    };
    world.after(first.at - world.now(), arrive);
  }
}
