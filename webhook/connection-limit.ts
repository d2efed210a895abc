// Connections that are open at the same time. Where there are too many, the oldest that never asked for a review
// goes, not the one that comes: else whoever holds them all open shuts the API server out.

import type { Server, Socket } from 'node:net';

export class ConnectionLimit {
  readonly #max: number;
  /** By the other end, in the order in which they came. */
  readonly #silent = new Map<string, Socket>();
  /** In the order in which they last asked. */
  readonly #asking = new Map<string, Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Every connection of the server, before it says anything. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#add(socket));
  }

  /** It asked for a review: it is one that we are here for. */
  asked(socket: Socket): void {
    const end = endOf(socket);
    const known = this.#silent.get(end) ?? this.#asking.get(end);
    if (known === undefined) return;
    this.#silent.delete(end);
    this.#asking.delete(end);
    this.#asking.set(end, known);
  }

  #add(socket: Socket): void {
    const end = endOf(socket);
    this.#silent.set(end, socket);
    socket.once('close', () => {
      for (const some of [this.#silent, this.#asking]) {
        if (some.get(end) === socket) some.delete(end);
      }
    });
    if (this.#silent.size + this.#asking.size <= this.#max) return;
    // One that has asked goes only where all have, and then the one that asked longest ago.
    const [oldest] = (this.#silent.size > 1 ? this.#silent : this.#asking).values();
    oldest?.destroy();
  }
}

/** The TLS socket of a request and the one below it, which came as a connection, have the same other end. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
