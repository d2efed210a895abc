// A process's replicas: who continues, who needs a snapshot, what they have acknowledged.

import type { FromRedis } from './protocol.ts';
import type { Dataset } from './dataset.ts';
import { Snapshots } from './snapshots.ts';
import type { State } from './state.ts';
import { GETACK_BYTES, PING_BYTES, SELECT_BYTES, type StreamEntry } from './stream.ts';

export type ReplicaLink = {
  send(message: FromRedis): void;
  /** Ends the connection. */
  drop(): void;
  phase: 'waiting' | 'snapshot' | 'online';
  /** Its snapshot is on its way whole. */
  isSent: boolean;
  /** Told of what happens as it happens; until then that is kept for it. */
  isStreaming: boolean;
  pending: StreamEntry[];
  /** Offset that its snapshot has. */
  startsAt: number;
  ackedOffset: number;
  ackedAt: number;
  since: number;
};

export class Downstream {
  readonly #state: State;
  readonly #snapshots: Snapshots;
  #links: ReplicaLink[] = [];
  #good = 0;
  /** By a replica that is gone since. */
  #ackedAt = Number.NEGATIVE_INFINITY;
  #loops = 0;
  #withoutReplicasSince: number;

  constructor(state: State) {
    this.#state = state;
    this.#withoutReplicasSince = state.seconds();
    this.#snapshots = new Snapshots(state, {
      links: () => this.#links,
      refreshGood: () => this.refreshGood(),
    });
  }

  get count(): number {
    return this.#links.length;
  }

  get isAnyBehind(): boolean {
    const { offset } = this.#state;
    return this.#links.some((link) => link.phase === 'online' && link.ackedOffset !== offset);
  }

  get hasEnoughGood(): boolean {
    const { minReplicas, maxLagSeconds } = this.#state.tunables;
    return minReplicas === 0 || maxLagSeconds === 0 || this.#good >= minReplicas;
  }

  /** When a replica acknowledged last, in seconds of the clock. */
  get lastAckedAt(): number {
    return Math.max(this.#ackedAt, ...this.#links.map(({ ackedAt }) => ackedAt));
  }

  countAcked(offset: number): number {
    let count = 0;
    for (const link of this.#links) {
      if (link.phase === 'online' && link.ackedOffset >= offset) count++;
    }
    return count;
  }

  /** Of a master: into the stream, with SELECT before it where replicas cannot know the database. */
  write(bytes: number, dataset: Dataset | null): void {
    const state = this.#state;
    if (state.backlog === null && this.#links.length === 0) {
      if (state.isAppending && state.traits.countsUnreplicated) state.offset++;
      return;
    }
    if (state.selectsNext) this.feed(SELECT_BYTES, null, false);
    state.selectsNext = false;
    this.feed(bytes, dataset, false);
  }

  /** Asks all replicas how far they are. */
  askForAcks(): void {
    const state = this.#state;
    const isHeard = state.backlog !== null || this.#links.length > 0;
    if (isHeard) this.feed(GETACK_BYTES, null, true);
    else if (state.traits.countsUnreplicated) state.offset++;
  }

  /** These bytes alone. */
  feed(bytes: number, dataset: Dataset | null, asksForAck: boolean): void {
    const end = this.#state.offset + bytes;
    this.forward({ kind: 'entry', end, bytes, dataset, asksForAck, isGarbled: false });
  }

  forward(entry: StreamEntry): void {
    const state = this.#state;
    state.offset = entry.end;
    state.backlog?.append(entry);
    for (const link of this.#links) {
      if (link.isStreaming) link.send(entry);
      else if (link.phase !== 'waiting') link.pending.push(entry);
    }
  }

  /** PSYNC: the rest of the stream where it is still there, else a snapshot. */
  attach(
    connection: Pick<ReplicaLink, 'send' | 'drop'>,
    replid: string,
    offset: number,
  ): ReplicaLink {
    const state = this.#state;
    const missing = this.#missing(replid, offset);
    const link: ReplicaLink = {
      send: connection.send,
      drop: connection.drop,
      phase: missing === null ? 'waiting' : 'online',
      isSent: false,
      isStreaming: missing !== null,
      pending: [],
      startsAt: 0,
      ackedOffset: 0,
      ackedAt: state.seconds(),
      since: state.now(),
    };
    this.#links.push(link);
    if (missing !== null) {
      link.send({ kind: 'continue', replid: state.replid });
      for (const entry of missing) link.send(entry);
      this.refreshGood();
      return link;
    }
    if (this.#links.length === 1 && state.backlog === null) {
      state.startHistory();
      state.createBacklog();
    }
    this.#snapshots.start(false);
    return link;
  }

  #missing(replid: string, offset: number): StreamEntry[] | null {
    const { replid2, secondOffset, backlog, replid: own } = this.#state;
    const isKnown = replid === own || (replid === replid2 && offset <= secondOffset);
    if (!isKnown || backlog === null) return null;
    return backlog.after(offset - 1);
  }

  acknowledged(link: ReplicaLink, offset: number): void {
    if (offset > link.ackedOffset) link.ackedOffset = offset;
    link.ackedAt = this.#state.seconds();
    this.#snapshots.acknowledged(link);
  }

  /** Its connection has ended. */
  detach(link: ReplicaLink): void {
    const index = this.#links.indexOf(link);
    if (index < 0) return;
    this.#links.splice(index, 1);
    this.#ackedAt = Math.max(this.#ackedAt, link.ackedAt);
    if (this.#links.length === 0) this.#withoutReplicasSince = this.#state.seconds();
    this.#snapshots.detached();
    this.refreshGood();
  }

  dropAll(): void {
    for (const link of this.#links.slice()) {
      link.drop();
      this.detach(link);
    }
  }

  /** It became a master: the time without replicas counts from now. */
  promoted(): void {
    this.#withoutReplicasSince = this.#state.seconds();
  }

  refreshGood(): void {
    const { minReplicas, maxLagSeconds } = this.#state.tunables;
    if (minReplicas === 0 || maxLagSeconds === 0) return;
    const oldest = this.#state.seconds() - maxLagSeconds;
    this.#good = this.#links.filter(
      (link) => link.phase === 'online' && link.ackedAt >= oldest,
    ).length;
  }

  /** Once a second. */
  cron(isMaster: boolean): void {
    const { settings, backlog } = this.#state;
    const now = this.#state.seconds();
    const isPingDue = this.#loops % settings.pingPeriodSeconds === 0;
    if (isMaster && isPingDue && this.#links.length > 0) this.feed(PING_BYTES, null, false);
    for (const link of this.#links.slice()) {
      if (link.phase !== 'online' || now - link.ackedAt <= settings.replTimeoutSeconds) continue;
      link.drop();
      this.detach(link);
    }
    const idle = now - this.#withoutReplicasSince;
    if (
      isMaster &&
      backlog !== null &&
      this.#links.length === 0 &&
      settings.backlogTtlSeconds > 0 &&
      idle > settings.backlogTtlSeconds
    ) {
      this.#state.startHistory();
      this.#state.backlog = null;
    }
    this.#snapshots.start(true);
    this.refreshGood();
    this.#loops++;
  }
}
