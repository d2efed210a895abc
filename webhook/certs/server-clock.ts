// The clock by which our certificates are judged is the API server's, and every answer of it tells the time. A
// replica whose own clock is wrong would else make certificates that nobody accepts, and replace good ones.

import type { VersionApi } from '@kubernetes/client-node';
import { ApiException } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';

/** The header has whole seconds, cut off. */
const GRAIN_MS = 1000;
/** A clock that is off by more than this is somebody's fault, and said. */
const TOLD_FROM_MS = 60_000;

export type ServerClockOptions = {
  readonly api: Pick<VersionApi, 'getCodeWithHttpInfo'>;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly onOffset: (offsetMs: number) => void;
};

export class ServerClock {
  private readonly options: ServerClockOptions;
  private offsetMs = 0;
  private isTold = false;

  constructor(options: ServerClockOptions) {
    this.options = options;
  }

  /** Asks for the time. Rejects where nobody answers: then nothing can be judged. */
  async look(): Promise<number> {
    const { nowMs, onOffset } = this.options;
    const askedMs = nowMs();
    const date = await this.ask();
    const answeredMs = nowMs();
    const saidMs = Date.parse(date ?? '');
    if (!Number.isNaN(saidMs)) {
      this.offsetMs = nearest(this.offsetMs, saidMs - answeredMs, saidMs + GRAIN_MS - askedMs);
    }
    onOffset(this.offsetMs);
    this.tell();
    return answeredMs + this.offsetMs;
  }

  private async ask(): Promise<string | undefined> {
    try {
      return (await this.options.api.getCodeWithHttpInfo()).headers['date'];
    } catch (error) {
      // A refusal tells the time, too.
      if (error instanceof ApiException) return error.headers['date'];
      throw error;
    }
  }

  private tell(): void {
    const isFar = Math.abs(this.offsetMs) >= TOLD_FROM_MS;
    if (isFar && !this.isTold) {
      const aheadSeconds = Math.round(-this.offsetMs / 1000);
      const text =
        'the clock of this node is wrong; certificates go by the clock of the API server';
      this.options.log.warn({ aheadSeconds }, text);
    }
    this.isTold = isFar;
  }
}

/** What an answer does not contradict is kept: the offset does not waver with each of them. */
function nearest(kept: number, min: number, max: number): number {
  // None at all is the likeliest where it is possible.
  if (min <= 0 && max >= 0) return 0;
  return kept >= min && kept <= max ? kept : (min + max) / 2;
}
