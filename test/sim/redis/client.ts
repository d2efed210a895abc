// A client's end of a connection to a modelled Redis: sends batches, hands out replies in order.

import type { CloseCause, Network, Socket } from '../ports.ts';
import type { Command, FromRedis, Reply, ToRedis } from './protocol.ts';

type Answered = (replies: readonly Reply[]) => void;

export class RedisClient {
  readonly #socket: Socket<ToRedis>;
  #answers: Answered[] = [];
  #unsent: ToRedis[] | null = [];
  #isClosed = false;

  /** What is sent before the connection is established goes once it is. */
  constructor(
    network: Network,
    from: string,
    to: string,
    handlers: { onOpen?(): void; onClose?(cause: CloseCause): void } = {},
  ) {
    this.#socket = network.connect<FromRedis, ToRedis>(from, to, 'redis', {
      onOpen: () => {
        const unsent = this.#unsent ?? [];
        this.#unsent = null;
        for (const batch of unsent) this.#socket.send(batch);
        handlers.onOpen?.();
      },
      onMessage: (message) => {
        if (message.kind === 'replies') this.#answers.shift()?.(message.replies);
      },
      onClose: (cause) => {
        this.#isClosed = true;
        this.#answers = [];
        handlers.onClose?.(cause);
      },
    });
  }

  /** `answered` is never called where the connection ends first. */
  send(
    commands: readonly Command[],
    answered: Answered = () => undefined,
    transaction = false,
  ): void {
    if (this.#isClosed) return;
    this.#answers.push(answered);
    const batch = { kind: 'batch', commands, transaction } as const;
    if (this.#unsent === null) this.#socket.send(batch);
    else this.#unsent.push(batch);
  }

  close(): void {
    this.#isClosed = true;
    this.#answers = [];
    this.#socket.close();
  }
}
