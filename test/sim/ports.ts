// What the parts of the simulator ask of the world that they live in. All times are milliseconds of
// true time; a part that has a clock of its own (an agent) gets it from elsewhere.

export type SimTimer = { cancel(): void };

export type Scheduler = {
  now(): number;
  /** Runs once, `ms` later; never at once, not even with 0. */
  after(ms: number, run: () => void): SimTimer;
};

/** Randomness of one simulated schedule: the same seed gives the same numbers. */
export type Random = {
  /** In [0, 1). */
  real(): number;
  /** In [0, below). */
  integer(below: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** 40 lower-case hexadecimal digits, like a run id or a replication id. */
  hexId(): string;
};

/** Why a socket ended: nobody listened, the other process died or hung up, or nothing came through. */
export type CloseCause = 'refused' | 'reset' | 'closed' | 'timeout';

/** One end of a TCP connection: what is sent arrives in order, later, or never after a close. */
export type Socket<Out> = {
  send(message: Out): void;
  /** The other end sees 'closed'; this end's handlers are not called any more. */
  close(): void;
  /** As a process that dies leaves it: the other end sees 'reset'. */
  reset(): void;
};

export type SocketHandlers<In> = {
  /** The connection is established (the dialling side only). */
  onOpen?(): void;
  onMessage(message: In): void;
  onClose(cause: CloseCause): void;
};

/** Which program of a host is meant: hosts are pod addresses. */
export type Port = 'redis' | 'agent';

export type Network = {
  /**
   * Accepts connections until the returned listener is closed; then new ones are refused. The
   * sockets that were accepted live on: who dies resets them itself.
   */
  listen<In, Out>(
    host: string,
    port: Port,
    accept: (socket: Socket<Out>, from: string) => SocketHandlers<In>,
  ): { close(): void };
  /** Dials; a host that is down or cut off never answers and no handler is called. */
  connect<In, Out>(from: string, to: string, port: Port, handlers: SocketHandlers<In>): Socket<Out>;
};
