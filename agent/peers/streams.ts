// One stream per peer: GET /state?watch=true&peers=false, one report per line. What a peer says is believed
// only under the pod UID that the API server gave for its address.

import { Agent, request } from 'undici';
import { messageOf } from '../../src/errors.ts';
import { linesOf } from '../../src/lines.ts';
import type { Log } from '../../src/log.ts';
import { isAgentReport } from '../../src/report-shape.ts';
import type { AgentReport } from '../../src/wire.ts';
import type { Clock } from '../clock.ts';
import { spread } from '../core/jitter.ts';
import type { PodView } from '../core/model.ts';
import { PEERS_MAX } from '../core/view.ts';

/** Reports come every 500 ms at least: a stream that is silent for so long is dead. */
const SILENCE_MS = 2000;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 1000;
/** A stream that met a stranger tries again every second. */
const STRANGER_MS = 5000;
const ASK_MS = 100;
/** No address changes hands twice within so long: what was met then is there still, also where it answers late. */
const SURELY_STRANGER_MS = 2000;

type Options = {
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly onReport: (report: AgentReport) => void;
};

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** A peer that says something else is as good as silent: people should know why. */
class NoReport extends Error {}

export class PeerStreams {
  readonly #options: Options;
  /** Where somebody else's agent answered under a pod's address, and when. */
  readonly #strangers = new Map<string, number>();
  readonly #streams = new Map<string, { address: string; abort: AbortController }>();
  readonly #dispatcher = new Agent({
    connect: { timeout: 1000 },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    keepAliveTimeout: 1000,
  });

  constructor(options: Options) {
    this.#options = options;
  }

  /** Follows exactly these pods. */
  follow(pods: readonly PodView[]): void {
    const wanted = new Map<string, string>();
    for (const { uid, ip, terminal } of pods.slice(0, PEERS_MAX)) {
      if (ip !== null && !terminal) wanted.set(uid, ip);
    }
    for (const [uid, stream] of this.#streams) {
      if (wanted.get(uid) === stream.address) continue;
      stream.abort.abort();
      this.#streams.delete(uid);
    }
    for (const uid of this.#strangers.keys()) if (!wanted.has(uid)) this.#strangers.delete(uid);
    for (const [uid, address] of wanted) {
      if (this.#streams.has(uid)) continue;
      const abort = new AbortController();
      this.#streams.set(uid, { address, abort });
      void this.#run(uid, address, abort.signal);
    }
  }

  /**
   * Whether this address belongs to another pod by now: an agent answers there under another UID.
   * Asked only where the stream met that one lately, so that nothing is waited for elsewhere.
   */
  async isStranger(uid: string, address: string): Promise<boolean> {
    const { clock, port } = this.#options;
    const metAt = this.#strangers.get(uid) ?? Number.NEGATIVE_INFINITY;
    if (clock.now() - metAt > STRANGER_MS) return false;
    try {
      const response = await request(`http://${bracketed(address)}:${port}/state`, {
        dispatcher: this.#dispatcher,
        signal: AbortSignal.timeout(ASK_MS),
      });
      const report: unknown = await response.body.json();
      const isStranger = isAgentReport(report) && report.podUID !== uid;
      if (isStranger) this.#strangers.set(uid, clock.now());
      return isStranger;
    } catch {
      return clock.now() - metAt <= SURELY_STRANGER_MS;
    }
  }

  async close(): Promise<void> {
    this.follow([]);
    await this.#dispatcher.destroy();
  }

  async #run(uid: string, address: string, signal: AbortSignal): Promise<void> {
    const url = `http://${bracketed(address)}:${this.#options.port}/state?watch=true&peers=false`;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const response = await request(url, { dispatcher: this.#dispatcher, signal });
        if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`);
        for await (const line of linesOf(response.body)) {
          failures = 0;
          const report: unknown = JSON.parse(line);
          if (!isAgentReport(report)) throw new NoReport('what was sent is no report of an agent');
          // An old address may belong to somebody else by now.
          if (report.podUID !== uid) {
            this.#strangers.set(uid, this.#options.clock.now());
            throw new Error(`the address belongs to pod ${report.podName}`);
          }
          this.#strangers.delete(uid);
          this.#options.onReport(report);
        }
      } catch (error) {
        if (signal.aborted) return;
        const level = error instanceof NoReport && failures === 0 ? 'warn' : 'debug';
        this.#options.log[level]({ address, error: messageOf(error) }, 'peer stream broke');
      }
      failures++;
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 6));
      await this.#options.clock.sleep(spread(backoffMs, this.#options.random()));
    }
  }
}
