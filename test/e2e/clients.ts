// Two writing clients: one through the Service's ClusterIP, as applications do, and one that tries
// the pods' own addresses in turn, so that kube-proxy's delay can be told from ours.

import type { Test } from 'tap';
import { waitFor } from '../harness/wait-for.ts';
import { Writer } from '../harness/writer.ts';
import type { Group } from './group.ts';

export class Clients {
  readonly service: Writer;
  readonly direct: Writer;
  private readonly group: Group;
  private turn = 0;

  private constructor(t: Test, group: Group, serviceAddress: string) {
    this.group = group;
    // Not faster: a refused connection each millisecond would fill TIME_WAIT and fake an outage.
    const pace = { access: group.access, everyMs: 5, retryMs: 10, timeoutMs: 300 };
    this.service = new Writer({ ...pace, prefix: 'service', route: () => serviceAddress });
    this.direct = new Writer({ ...pace, prefix: 'direct', route: () => this.nextAddress() });
    t.teardown(async () => await this.stop());
  }

  static async start(t: Test, group: Group): Promise<Clients> {
    const clients = new Clients(t, group, await group.serviceAddress());
    await clients.busy();
    return clients;
  }

  private nextAddress(): string | undefined {
    const { addresses } = this.group;
    return addresses[this.turn++ % addresses.length];
  }

  /** A fault shall meet clients that are writing. */
  async busy(): Promise<void> {
    const { service, direct } = this;
    const before = { service: service.ledger.length, direct: direct.ledger.length };
    await waitFor(
      'both clients write',
      () =>
        service.ledger.length > before.service + 100 && direct.ledger.length > before.direct + 100,
      {
        timeoutMs: 60_000,
        picture: () => JSON.stringify([[...service.errors], [...direct.errors]]),
      },
    );
  }

  async stop(): Promise<void> {
    await Promise.all([this.service.stop(), this.direct.stop()]);
  }

  /** Both were answered again, after `markMs`. */
  async writeAgain(markMs: number, timeoutMs = 60_000): Promise<void> {
    await this.service.firstAfter(markMs, timeoutMs);
    await this.direct.firstAfter(markMs, timeoutMs);
  }

  /** Number of acknowledged writes that the master does not have, and of all. */
  async loss(
    masterAddress: string,
    sentBeforeMs = Number.POSITIVE_INFINITY,
  ): Promise<{ lost: number; acknowledged: number }> {
    const missing = [
      ...(await this.service.lost(masterAddress)),
      ...(await this.direct.lost(masterAddress)),
    ];
    return {
      lost: missing.filter(({ sentMs }) => sentMs < sentBeforeMs).length,
      acknowledged: this.service.ledger.length + this.direct.ledger.length,
    };
  }
}
