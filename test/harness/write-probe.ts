// Tries to write to every instance of a group, all the time and whatever its role. From the
// acknowledgements follows how often the right to write changed hands: more often than the term
// grew means that two instances acknowledged at one time (DESIGN 13, I1 and I9).

import type { Group } from './group.ts';
import type { Acknowledged } from './ledger.ts';
import type { Pod } from './pod.ts';
import { Writer } from './writer.ts';

export type Reign = { readonly pod: string; readonly atMs: number };

export class WriteProbe {
  private readonly group: Group;
  private readonly writers = new Map<Pod, Writer>();
  private readonly timer: NodeJS.Timeout;

  constructor(group: Group) {
    this.group = group;
    this.timer = setInterval(() => this.cover(), 50);
    this.cover();
  }

  /** Pods may come at any time. */
  private cover(): void {
    for (const pod of this.group.pods) {
      if (this.writers.has(pod)) continue;
      const writer = new Writer({
        access: pod.access,
        route: () => pod.ip,
        everyMs: 5,
        connections: 1,
        prefix: 'probe',
        timeoutMs: 500,
        retryMs: 10,
      });
      this.writers.set(pod, writer);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([...this.writers.values()].map(async (writer) => await writer.stop()));
  }

  /** Writes to it no more: its address is about to be somebody else's. */
  async leave(pod: Pod): Promise<void> {
    await this.writers.get(pod)?.stop();
  }

  /** When the pod acknowledged a write last; minus infinity: never. */
  lastAcknowledgement(pod: Pod): number {
    return this.writers.get(pod)?.last?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * The longest chain of acknowledgements by ever another instance in which each was sent after
   * the one before it had been answered: so their order is certain, whatever the scheduling.
   */
  reigns(): Reign[] {
    const names = new Map([...this.writers.keys()].map((pod) => [pod.ip, pod.name]));
    const all: Acknowledged[] = [...this.writers.values()]
      .flatMap((writer) => writer.ledger)
      .sort((left, right) => left.atMs - right.atMs);
    const chain: Acknowledged[] = [];
    for (const each of all) {
      const end = chain.at(-1);
      if (end === undefined || (end.address !== each.address && each.sentMs > end.atMs)) {
        chain.push(each);
      }
    }
    return chain.map(({ address, atMs }) => ({ pod: names.get(address) ?? address, atMs }));
  }
}
