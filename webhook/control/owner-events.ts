// Tells the owner of a pod by an Event what the person would not see otherwise: warnings about a
// StatefulSet's pods never reach anybody. Fire and forget, bounded, the same words not twice.

import type { EventsV1Api } from '@kubernetes/client-node';
import { V1MicroTime } from '@kubernetes/client-node';
import { eventBody, pascalCase, ToldBefore } from '../../src/kube-event.ts';
import type { Log } from '../../src/log.ts';
import { shortHash } from '../core/hash.ts';
import { controllerOf, type OwnerReference, type Pod } from '../core/pod.ts';
import { type Reason, reasonText } from '../core/reasons.ts';
import { isStatus, kubeMessage } from '../kube.ts';
import type { TopOwners } from './top-owner.ts';

const PENDING_MAX = 50;
/** Of one pod: more than a person reads. */
const REASONS_MAX = 20;
const REMEMBERED_MAX = 1000;
const AGAIN_MS = 600_000;

type About = Pick<OwnerReference, 'apiVersion' | 'kind' | 'name' | 'uid'>;
type Action = 'Inject' | 'Skip' | 'Refuse';

export type OwnerEventsOptions = {
  readonly api: EventsV1Api;
  readonly log: Log;
  readonly instance: string;
  readonly nowMs: () => number;
  readonly owners: Pick<TopOwners, 'of'>;
};

export class OwnerEvents {
  private readonly options: OwnerEventsOptions;
  private readonly told = new ToldBefore({ againMs: AGAIN_MS, max: REMEMBERED_MAX });
  private pending = 0;

  constructor(options: OwnerEventsOptions) {
    this.options = options;
  }

  /** About who made the pod: a Deployment rather than its ReplicaSet. */
  tell(namespace: string, pod: Pod, reasons: readonly Reason[], action: Action): void {
    const owner = controllerOf(pod);
    // Whoever reaches our port can send a review, and no API server has looked at it.
    if (owner === undefined || !isName(owner.name) || !isName(owner.uid)) return;
    // What there is no room for now is not told yet: it comes again.
    if (this.pending >= PENDING_MAX) return;
    const fresh = this.untold(owner, reasons);
    if (fresh.length === 0) return;
    this.pending++;
    void this.tellTop(namespace, owner, fresh, action).finally(() => this.pending--);
  }

  private async tellTop(
    namespace: string,
    owner: OwnerReference,
    fresh: readonly Reason[],
    action: Action,
  ): Promise<void> {
    const top = await this.options.owners.of(namespace, owner);
    // Of a new ReplicaSet there may be nothing new to its Deployment.
    const isSame = top.uid === owner.uid;
    this.send(namespace, top, isSame ? fresh : this.untold(top, fresh), action);
  }

  tellAbout(namespace: string, object: About, reasons: readonly Reason[], action: Action): void {
    if (!isName(object.name) || !isName(object.uid)) return;
    if (this.pending >= PENDING_MAX) return;
    this.send(namespace, object, this.untold(object, reasons), action);
  }

  private untold(object: About, reasons: readonly Reason[]): readonly Reason[] {
    const nowMs = this.options.nowMs();
    return reasons
      .slice(0, REASONS_MAX)
      .filter((why) => !this.told.isTold(keyOf(object, why), nowMs));
  }

  private send(namespace: string, object: About, reasons: readonly Reason[], action: Action): void {
    for (const why of reasons) {
      this.pending++;
      void this.create(namespace, object, why, action).finally(() => this.pending--);
    }
  }

  private async create(
    namespace: string,
    object: About,
    why: Reason,
    action: Action,
  ): Promise<void> {
    const { api, log, instance, nowMs } = this.options;
    const { apiVersion, kind, name = '', uid } = object;
    const regarding = { apiVersion, kind, namespace, name, uid };
    const reason = pascalCase(why.code);
    const text = { type: 'Warning', reason, action, note: reasonText(why) } as const;
    const from = {
      controller: 'redis-orchestrator.io/webhook',
      instance,
      suffix: shortHash(keyOf(object, why)),
    };
    try {
      const body = { ...eventBody(regarding, text, from), eventTime: new V1MicroTime(nowMs()) };
      await api.createNamespacedEvent({ namespace, body });
    } catch (error) {
      // The name is made of what is said: the other replica was faster.
      if (isStatus(error, 409)) return;
      log.warn({ namespace, error: kubeMessage(error) }, 'an Event could not be created');
    }
  }
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** The same words about the same object. */
function keyOf({ uid }: About, why: Reason): string {
  return `${uid}/${reasonText(why)}`;
}
