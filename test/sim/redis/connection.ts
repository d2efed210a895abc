// One connection to a modelled Redis, from accept to close: it carries out a client's batches in
// order, waits where a command blocks, and becomes a replica's link where PSYNC is asked.

import type { Socket, SocketHandlers } from '../ports.ts';
import type { ReplicaLink } from './downstream.ts';
import type { Batch, Command, FromRedis, Reply, ToRedis } from './protocol.ts';
import type { State } from './state.ts';
import type { TransactionEcho } from './transaction-echo.ts';

/** What the process does for its connections. */
export type Server = {
  /** An error that refuses this command now, or null. */
  refusal(command: Command): Reply | null;
  /** Null: it blocks, and `resume` brings the reply. */
  execute(command: Command, connection: Connection, resume: (reply: Reply) => void): Reply | null;
  /** Made where a transaction begins that can end up in the stream. */
  echo(): TransactionEcho;
  attach(connection: Connection, replid: string, offset: number): ReplicaLink | null;
  acknowledged(link: ReplicaLink, offset: number): void;
  /** It is closed, by whomever. */
  closed(connection: Connection): void;
};

const ABORTED: readonly Reply[] = [{ kind: 'error', code: 'EXECABORT' }];

export class Connection {
  readonly #state: State;
  readonly #server: Server;
  readonly #socket: Socket<FromRedis>;
  type: 'normal' | 'pubsub' | 'replica' = 'normal';
  link: ReplicaLink | null = null;
  /** What WAIT waits for: the offset behind its last write, or behind its last command. */
  reached = 0;
  #isOpen = true;
  #isBlocked = false;
  #inbox: Batch[] = [];

  constructor(state: State, server: Server, socket: Socket<FromRedis>) {
    this.#state = state;
    this.#server = server;
    this.#socket = socket;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  handlers(): SocketHandlers<ToRedis> {
    const { life } = this.#state;
    return {
      onMessage: (message) => {
        if (life.runs) this.#receive(message);
        else life.hold(this, () => this.#receive(message));
      },
      onClose: () => {
        if (life.runs) this.#ended();
        else life.hold(this, () => this.#ended());
      },
    };
  }

  send(message: FromRedis): void {
    if (this.#isOpen) this.#socket.send(message);
  }

  drop(): void {
    if (!this.#isOpen) return;
    this.#socket.close();
    this.#ended();
  }

  /** As the process dies. */
  cut(cause: 'closed' | 'reset'): void {
    if (cause === 'closed') this.#socket.close();
    else this.#socket.reset();
    this.#isOpen = false;
  }

  #ended(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#inbox = [];
    this.#server.closed(this);
  }

  #receive(message: ToRedis): void {
    if (!this.#isOpen) return;
    switch (message.kind) {
      case 'batch':
        if (this.#isBlocked) this.#inbox.push(message);
        else this.#carryOut(message);
        return;
      case 'psync':
        this.link = this.#server.attach(this, message.replid, message.offset);
        return;
      case 'ack':
        if (this.link !== null) this.#server.acknowledged(this.link, message.offset);
        return;
    }
  }

  #carryOut(batch: Batch): void {
    const { commands, transaction } = batch;
    if (transaction && commands.some((command) => this.#server.refusal(command) !== null)) {
      this.send({ kind: 'replies', replies: ABORTED });
      return;
    }
    this.#continue(batch, 0, []);
  }

  #continue(batch: Batch, from: number, replies: Reply[]): void {
    const { commands, transaction } = batch;
    const echo = transaction && this.#state.traits.echoesTransactions ? this.#server.echo() : null;
    for (let index = from; index < commands.length; index++) {
      const command = commands[index];
      if (command === undefined || !this.#isOpen) return;
      const before = this.#state.offset;
      echo?.before(command);
      const refused = transaction ? null : this.#server.refusal(command);
      const reply =
        refused ??
        this.#server.execute(command, this, (late) => {
          this.#isBlocked = false;
          replies.push(late);
          this.#continue(batch, index + 1, replies);
          this.#next();
        });
      if (reply === null) {
        this.#isBlocked = true;
        return;
      }
      if (this.#state.offset !== before || !this.#state.traits.waitsForWritesOnly) {
        this.reached = this.#state.offset;
      }
      replies.push(reply);
    }
    echo?.end();
    this.send({ kind: 'replies', replies });
  }

  #next(): void {
    while (!this.#isBlocked && this.#isOpen) {
      const batch = this.#inbox.shift();
      if (batch === undefined) return;
      this.#carryOut(batch);
    }
  }
}
