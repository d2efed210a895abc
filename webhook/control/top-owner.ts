// Whom a person looks at: a Deployment's pods belong to a ReplicaSet, a CronJob's to a Job, and nobody asks
// `kubectl describe` about those. Looked up where an Event is to be told, never in the request path.

import type { AppsV1Api, BatchV1Api } from '@kubernetes/client-node';
import type { OwnerReference } from '../core/pod.ts';

type Named = { readonly name: string; readonly namespace: string };
type Owned = { readonly metadata?: { readonly ownerReferences?: OwnerReference[] } };
type Read = (about: Named) => Promise<Owned>;

/** An owner's owner changes when somebody adopts it, which nobody does. */
const REMEMBERED_MAX = 1000;

export class TopOwners {
  readonly #readers: Readonly<Record<string, Read>>;
  /** By uid. */
  readonly #known = new Map<string, OwnerReference>();

  constructor(kube: {
    readonly apps: Pick<AppsV1Api, 'readNamespacedReplicaSet'>;
    readonly batch: Pick<BatchV1Api, 'readNamespacedJob'>;
  }) {
    this.#readers = {
      ReplicaSet: async (about) => await kube.apps.readNamespacedReplicaSet(about),
      Job: async (about) => await kube.batch.readNamespacedJob(about),
    };
  }

  /** The owner's own controller, or the owner itself where it has none or cannot be read. */
  async of(namespace: string, owner: OwnerReference): Promise<OwnerReference> {
    const { kind = '', name = '', uid = '' } = owner;
    const read = this.#readers[kind];
    if (read === undefined) return owner;
    const known = this.#known.get(uid);
    if (known !== undefined) return known;
    try {
      const { metadata } = await read({ namespace, name });
      const top = metadata?.ownerReferences?.find(({ controller }) => controller === true) ?? owner;
      this.#known.set(uid, top);
      const [oldest] = this.#known.keys();
      if (this.#known.size > REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
      return top;
    } catch {
      // Deleted meanwhile, or not to be read: who is nearest is better than nobody.
      return owner;
    }
  }
}
