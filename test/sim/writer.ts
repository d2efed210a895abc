// Clients of the simulated group: one per instance writes to it all the time, whatever its role, and
// keeps what it was told. An instance that acknowledges what is lost cannot hide.

import type { SimPod } from './cluster.ts';
import type { SimNetwork } from './network.ts';
import type { Scheduler, SimTimer } from './ports.ts';
import { RedisClient } from './redis/client.ts';

export type Acknowledged = { readonly id: number; readonly at: number; readonly pod: SimPod };

const CLIENT_HOST = 'client';
const NEXT_MS = 20;
const REFUSED_MS = 60;
const RECONNECT_MS = 40;
const PATIENCE_MS = 400;
const WAIT_MS = 150;

/** Ids of all writes of one world, and the acknowledged ones. */
export class Ledger {
  readonly acknowledged: Acknowledged[] = [];
  /** By as many replicas as the group is configured to keep writes for. */
  readonly confirmed: number[] = [];
  #next = 1;

  nextId(): number {
    return this.#next++;
  }
}

export class Writer {
  readonly #scheduler: Scheduler;
  readonly #network: SimNetwork;
  readonly #pod: SimPod;
  readonly #ledger: Ledger;
  readonly #confirmedBy: number;
  #isStopped = false;

  constructor(
    scheduler: Scheduler,
    network: SimNetwork,
    pod: SimPod,
    ledger: Ledger,
    confirmedBy: number,
  ) {
    this.#confirmedBy = confirmedBy;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#pod = pod;
    this.#ledger = ledger;
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #connect(): void {
    if (this.#isStopped) return;
    let patience: SimTimer | null = null;
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      isOver = true;
      patience?.cancel();
      client.close();
      this.#scheduler.after(RECONNECT_MS, () => this.#connect());
    };
    const write = (): void => {
      if (isOver) return;
      if (this.#isStopped) {
        client.close();
        return;
      }
      const id = this.#ledger.nextId();
      patience = this.#scheduler.after(PATIENCE_MS, again);
      client.send([{ kind: 'write', id }], (replies) => {
        if (isOver) return;
        patience?.cancel();
        const isDone = replies[0]?.kind === 'ok';
        if (isDone) {
          this.#ledger.acknowledged.push({ id, at: this.#scheduler.now(), pod: this.#pod });
        }
        if (isDone && this.#confirmedBy > 0) confirm(id);
        else this.#scheduler.after(isDone ? NEXT_MS : REFUSED_MS, write);
      });
    };
    const confirm = (id: number): void => {
      patience = this.#scheduler.after(PATIENCE_MS, again);
      const wait = { kind: 'wait', replicas: this.#confirmedBy, timeoutMs: WAIT_MS } as const;
      client.send([wait], ([reply]) => {
        if (isOver) return;
        patience?.cancel();
        const count = reply?.kind === 'number' ? reply.value : 0;
        if (count >= this.#confirmedBy) this.#ledger.confirmed.push(id);
        this.#scheduler.after(NEXT_MS, write);
      });
    };
    patience = this.#scheduler.after(PATIENCE_MS, again);
    const client = new RedisClient(this.#network, CLIENT_HOST, this.#pod.host, {
      onOpen: () => {
        patience?.cancel();
        write();
      },
      onClose: again,
    });
  }
}
