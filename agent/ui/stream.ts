// The stream of whole views. The browser connects again by itself after most breaks, not after an answer that is no
// stream (too many pages, a proxy's 502), and it does not notice a cut cable: then we open a new one.

import type { GroupView } from '../../src/group-view.ts';

/** After an answer that ended it. */
const CLOSED_AGAIN_MS = 1000;
/** Where nothing comes and nothing ends; a slow network must have time to connect. */
const SILENT_AGAIN_MS = 5000;

export type StreamEars = {
  readonly onView: (view: GroupView) => void;
  readonly onCut: () => void;
};

export class ViewStream {
  readonly #ears: StreamEars;
  #source: EventSource | null = null;
  #openedMs = 0;

  constructor(ears: StreamEars) {
    this.#ears = ears;
    this.#open();
  }

  /** Called while nothing is heard: a new try, unless one was begun just now. */
  renew(): void {
    const isClosed = this.#source?.readyState === EventSource.CLOSED;
    const waitMs = isClosed ? CLOSED_AGAIN_MS : SILENT_AGAIN_MS;
    if (performance.now() - this.#openedMs >= waitMs) this.#open();
  }

  #open(): void {
    this.#source?.close();
    this.#openedMs = performance.now();
    // Relative: behind an agent, a proxy of Kubernetes and the command line alike.
    const source = new EventSource('events');
    this.#source = source;
    source.addEventListener('message', ({ data }: MessageEvent<string>) =>
      this.#ears.onView(JSON.parse(data) as GroupView),
    );
    source.addEventListener('error', () => this.#ears.onCut());
  }
}
