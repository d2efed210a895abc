// Where a Service with the selector redis-role=master would send a new client: the pods that carry
// the label and are ready, followed by a watch, as kube-proxy does. If the watch breaks, the last
// known pods stand, as on a node that has lost the API server.

import { setTimeout as pause } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { ROLE_LABEL } from '../../src/names.ts';
import type { Group } from './group.ts';
import type { KubeList } from './kube-client.ts';
import { isServing } from './pod-object.ts';

export type RouteChange = { readonly atMs: number; readonly addresses: readonly string[] };

export class ServiceRoute {
  /** Every set of addresses that the route had, with its time. */
  readonly changes: RouteChange[] = [];
  private readonly pods = new Map<string, V1Pod>();
  private readonly path: string;
  private readonly group: Group;
  private readonly abort = new AbortController();
  private readonly following: Promise<void>;

  constructor(group: Group) {
    this.group = group;
    const selector = encodeURIComponent('app=redis');
    this.path = `/api/v1/namespaces/${group.account.namespace}/pods?labelSelector=${selector}`;
    this.following = this.follow();
  }

  private async follow(): Promise<void> {
    while (!this.abort.signal.aborted) {
      try {
        const list = await this.group.admin.get<KubeList<V1Pod>>(this.path);
        this.pods.clear();
        for (const pod of list.items) this.pods.set(pod.metadata?.name ?? '', pod);
        this.note();
        await this.group.admin.watch<V1Pod>(
          this.path,
          list.metadata?.resourceVersion ?? '0',
          ({ type, object }) => {
            if (type === 'DELETED') this.pods.delete(object.metadata?.name ?? '');
            else if (type !== 'BOOKMARK' && type !== 'ERROR')
              this.pods.set(object.metadata?.name ?? '', object);
            this.note();
          },
          this.abort.signal,
        );
      } catch {
        // The API server is away or the watch was ended: again, with a breath in between.
      }
      await pause(100);
    }
  }

  private note(): void {
    const last = this.changes.at(-1)?.addresses ?? [];
    const now = this.addresses;
    if (last.length === now.length && last.every((each, index) => each === now[index])) return;
    this.changes.push({ atMs: performance.now(), addresses: now });
  }

  get addresses(): string[] {
    return [...this.pods.values()]
      .filter((pod) => pod.metadata?.labels?.[ROLE_LABEL] === 'master' && isServing(pod))
      .map((pod) => pod.status?.podIP ?? '')
      .sort();
  }

  /** One of them, as kube-proxy picks: at random. Undefined: the Service has no endpoint. */
  pick(): string | undefined {
    const all = this.addresses;
    return all[Math.floor(Math.random() * all.length)];
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.following;
  }
}
