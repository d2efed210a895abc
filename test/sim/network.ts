// The network between pods: connections that deliver in order, links that are slow, lossy or cut in
// one direction, hosts that are gone. What is sent over a cut link arrives after it heals, as TCP
// would have it, unless the connection ended meanwhile.

import type {
  CloseCause,
  Network,
  Port,
  Random,
  Scheduler,
  Socket,
  SocketHandlers,
} from './ports.ts';

/** One direction between two hosts. */
type Link = {
  isCut: boolean;
  delayMs: number;
  /** Share of the messages that are sent again, 200 ms later. */
  loss: number;
  held: (() => void)[];
  cutUntil: number;
};

type Accept = (socket: Socket<unknown>, from: string) => SocketHandlers<unknown>;

const DELAY_MIN_MS = 0.05;
const JITTER_MS = 0.3;
const RETRANSMIT_MS = 200;
/** A SYN that was lost is sent again after a second. */
const SYN_RETRY_MS = 1000;

class End {
  readonly host: string;
  readonly remote: string;
  handlers: SocketHandlers<unknown> | null = null;
  isOpen = false;
  other: End | null = null;
  /** Time at which the last message of this end arrives: nothing overtakes it. */
  lastArrival = 0;

  constructor(host: string, remote: string) {
    this.host = host;
    this.remote = remote;
  }
}

export class SimNetwork implements Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #links = new Map<string, Map<string, Link>>();
  readonly #listeners = new Map<string, Accept>();
  readonly #down = new Set<string>();
  readonly #ends = new Set<End>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  #link(from: string, to: string): Link {
    let links = this.#links.get(from);
    if (links === undefined) {
      links = new Map();
      this.#links.set(from, links);
    }
    let link = links.get(to);
    if (link === undefined) {
      link = { isCut: false, delayMs: 0, loss: 0, held: [], cutUntil: Number.NEGATIVE_INFINITY };
      links.set(to, link);
    }
    return link;
  }

  isCut(from: string, to: string): boolean {
    return this.#link(from, to).isCut || this.#isDown(from, to);
  }

  #isDown(from: string, to: string): boolean {
    return this.#down.has(from) || this.#down.has(to);
  }

  /** When it was cut last; a dial that was lost then is made again up to a second later. */
  cutUntil(from: string, to: string): number {
    if (this.isCut(from, to)) return this.#scheduler.now();
    return this.#link(from, to).cutUntil;
  }

  /** What is added to every message of this direction. */
  delayMs(from: string, to: string): number {
    return this.#link(from, to).delayMs;
  }

  cut(from: string, to: string): void {
    this.#link(from, to).isCut = true;
  }

  heal(from: string, to: string): void {
    const link = this.#link(from, to);
    link.isCut = false;
    link.cutUntil = this.#scheduler.now();
    for (const release of link.held.splice(0)) release();
  }

  slow(from: string, to: string, delayMs: number, loss: number): void {
    const link = this.#link(from, to);
    // What was lost is said again a while later: as after a cut.
    if (link.loss > 0 && loss === 0) link.cutUntil = this.#scheduler.now();
    link.delayMs = delayMs;
    link.loss = loss;
  }

  isLossy(from: string, to: string): boolean {
    return this.#link(from, to).loss > 0;
  }

  /** The host loses power: nothing leaves it or arrives, and nobody is told. */
  powerOff(host: string): void {
    this.#down.add(host);
  }

  /** The host is back and knows none of its old connections: who speaks on one is told so. */
  powerOn(host: string): void {
    this.#down.delete(host);
    for (const end of this.#ends) {
      if (end.host === host) this.#drop(end);
      else if (end.remote === host) this.#closeEnd(end, 'reset');
    }
  }

  listen<In, Out>(
    host: string,
    port: Port,
    accept: (socket: Socket<Out>, from: string) => SocketHandlers<In>,
  ): { close(): void } {
    const key = `${host}/${port}`;
    const accepts = accept as unknown as Accept;
    this.#listeners.set(key, accepts);
    return {
      close: () => {
        if (this.#listeners.get(key) === accepts) this.#listeners.delete(key);
      },
    };
  }

  connect<In, Out>(
    from: string,
    to: string,
    port: Port,
    handlers: SocketHandlers<In>,
  ): Socket<Out> {
    const end = new End(from, to);
    end.handlers = handlers as SocketHandlers<unknown>;
    end.isOpen = true;
    this.#ends.add(end);
    this.#dial(end, port);
    return this.#socketOf(end) as Socket<Out>;
  }

  #dial(end: End, port: Port): void {
    if (!end.isOpen) return;
    const { host, remote } = end;
    if (this.isCut(host, remote) || this.isCut(remote, host)) {
      this.#scheduler.after(SYN_RETRY_MS, () => this.#dial(end, port));
      return;
    }
    this.#scheduler.after(this.latencyMs(host, remote), () => {
      if (!end.isOpen) return;
      const accept = this.#listeners.get(`${remote}/${port}`);
      const backMs = this.latencyMs(remote, host);
      if (accept === undefined) {
        this.#scheduler.after(backMs, () => this.#closeEnd(end, 'refused'));
        return;
      }
      const server = new End(remote, host);
      server.isOpen = true;
      server.other = end;
      end.other = server;
      // The answer to the dial arrives before whatever the server says first.
      server.lastArrival = this.#scheduler.now() + backMs;
      this.#ends.add(server);
      server.handlers = accept(this.#socketOf(server), host);
      this.#scheduler.after(backMs, () => {
        if (end.isOpen) end.handlers?.onOpen?.();
      });
    });
  }

  #socketOf(end: End): Socket<unknown> {
    return {
      send: (message) => this.#send(end, (other) => other.handlers?.onMessage(message)),
      close: () => this.#hangUp(end, 'closed'),
      reset: () => this.#hangUp(end, 'reset'),
    };
  }

  latencyMs(from: string, to: string): number {
    // Within a pod there is no network, only the kernel.
    if (from === to) return DELAY_MIN_MS;
    const link = this.#link(from, to);
    const retransmitMs =
      link.loss > 0 && this.#random.chance(link.loss)
        ? RETRANSMIT_MS * (1 + this.#random.real())
        : 0;
    return DELAY_MIN_MS + this.#random.real() * JITTER_MS + link.delayMs + retransmitMs;
  }

  #send(end: End, deliver: (other: End) => void): void {
    if (!end.isOpen) return;
    const { other } = end;
    if (other === null) return;
    const latencyMs = this.latencyMs(end.host, end.remote);
    end.lastArrival = Math.max(end.lastArrival, this.#scheduler.now() + latencyMs);
    this.#arrive(end, other, deliver, end.lastArrival - this.#scheduler.now());
  }

  #arrive(end: End, other: End, deliver: (other: End) => void, inMs: number): void {
    this.#scheduler.after(inMs, () => {
      if (!other.isOpen) return;
      if (this.#isDown(end.host, end.remote)) return;
      const link = this.#link(end.host, end.remote);
      // Behind what a cut holds up, everything waits its turn.
      if (link.isCut) link.held.push(() => this.#arrive(end, other, deliver, 0));
      else deliver(other);
    });
  }

  #hangUp(end: End, cause: CloseCause): void {
    if (!end.isOpen) return;
    this.#send(end, (other) => this.#closeEnd(other, cause));
    this.#drop(end);
  }

  #closeEnd(end: End, cause: CloseCause): void {
    if (!end.isOpen) return;
    const { handlers } = end;
    this.#drop(end);
    handlers?.onClose(cause);
  }

  #drop(end: End): void {
    end.isOpen = false;
    end.handlers = null;
    this.#ends.delete(end);
  }
}
