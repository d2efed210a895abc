// Server-sent events for the live page: the whole group again whenever it changed, and once a second in any
// case, so that a page that hears nothing knows that it is cut off.

import type { ServerResponse } from 'node:http';
import type { GroupView } from './group-view.ts';

const STREAMS_MAX = 16;
const EVERY_MS = 1000;
/** Unsent bytes after which a slow reader is dropped: it connects again, and gets the whole. */
const BACKLOG_MAX_BYTES = 128 * 1024;

/** What is shown at once when it changes; offsets and ages wait for the next second. */
function faceOf({ health, master, members, paused, lease, warnings }: GroupView): string {
  const shown = members.map(({ pod, role, state, next, problem }) => [
    pod,
    role,
    state,
    next,
    problem,
  ]);
  return JSON.stringify([health, master, shown, paused, lease?.term, lease?.holder, warnings]);
}

export class PageStreams {
  readonly #view: () => GroupView;
  readonly #now: () => number;
  readonly #streams = new Set<ServerResponse>();
  #sequence = 0;
  #face = '';
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(view: () => GroupView, now: () => number) {
    this.#view = view;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  /** False: there are too many already. */
  add(stream: ServerResponse): boolean {
    // Gone before it was looked after: nobody would tell of its end.
    if (stream.destroyed) return true;
    if (this.#streams.size >= STREAMS_MAX) return false;
    stream.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // A proxy on the way must not gather what is to be seen now.
      'x-accel-buffering': 'no',
    });
    this.#streams.add(stream);
    const forget = (): void => void this.#streams.delete(stream);
    stream.on('close', forget);
    stream.on('error', forget);
    // Whoever is cut off comes back in a second, not in the browser's three.
    stream.write('retry: 1000\n');
    this.#send([stream], this.#view());
    return true;
  }

  /** Called whenever the agent has something to tell, and at least twice a second. */
  offer(): void {
    if (this.#streams.size === 0) return;
    const view = this.#view();
    const face = faceOf(view);
    const isDue = this.#now() - this.#sentAt >= EVERY_MS;
    if (face === this.#face && !isDue) return;
    this.#face = face;
    this.#sentAt = this.#now();
    this.#send([...this.#streams], view);
  }

  #send(streams: readonly ServerResponse[], view: GroupView): void {
    const text = `id: ${++this.#sequence}\ndata: ${JSON.stringify(view)}\n\n`;
    for (const stream of streams) {
      if (stream.writableLength > BACKLOG_MAX_BYTES) stream.destroy();
      else stream.write(text);
    }
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
  }
}
