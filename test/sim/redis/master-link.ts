// A replica's connection to its master: what arrives waits while the process stands still, and while
// it reads a snapshot, as it would in the kernel.

import type { Network, Socket } from '../ports.ts';
import type { FromRedis, ToRedis } from './protocol.ts';
import type { State } from './state.ts';

type Handlers = {
  onOpen(): void;
  onMessage(message: FromRedis): void;
  onClose(): void;
};

export class MasterLink {
  readonly #state: State;
  readonly #socket: Socket<ToRedis>;
  #isOver = false;
  #unread: (() => void)[] = [];

  constructor(state: State, network: Network, host: string, handlers: Handlers) {
    this.#state = state;
    const { life, settings } = state;
    this.#socket = network.connect<FromRedis, ToRedis>(settings.host, host, 'redis', {
      onOpen: () => this.#arrives(() => handlers.onOpen()),
      onMessage: (message) => {
        // Nearly all of them, without a closure.
        if (life.runs && state.loading === null && !this.#isOver) handlers.onMessage(message);
        else this.#arrives(() => handlers.onMessage(message));
      },
      onClose: () => this.#arrives(() => handlers.onClose()),
    });
  }

  #arrives(run: () => void): void {
    const { life, loading } = this.#state;
    if (this.#isOver) return;
    if (!life.runs) life.hold(this, () => this.#arrives(run));
    else if (loading === null) run();
    else this.#unread.push(run);
  }

  /** The snapshot is read: what came meanwhile is next. */
  goOn(): void {
    const unread = this.#unread;
    this.#unread = [];
    for (const run of unread) this.#arrives(run);
  }

  send(message: ToRedis): void {
    this.#socket.send(message);
  }

  /** Nothing is heard of it any more. */
  end(cause: 'closed' | 'reset'): void {
    this.#isOver = true;
    this.#unread = [];
    if (cause === 'closed') this.#socket.close();
    else this.#socket.reset();
  }
}
