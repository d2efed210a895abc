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

const PENDING_MAX = 50;
const REMEMBERED_MAX = 1000;
const AGAIN_MS = 600_000;

type About = Pick<OwnerReference, 'apiVersion' | 'kind' | 'name' | 'uid'>;
type Action = 'Inject' | 'Skip';

export type OwnerEventsOptions = {
  readonly api: EventsV1Api;
  readonly log: Log;
  readonly instance: string;
  readonly nowMs: () => number;
};

export class OwnerEvents {
  private readonly options: OwnerEventsOptions;
  private readonly told = new ToldBefore({ againMs: AGAIN_MS, max: REMEMBERED_MAX });
  private pending = 0;

  constructor(options: OwnerEventsOptions) {
    this.options = options;
  }

  tell(namespace: string, pod: Pod, reasons: readonly Reason[], action: Action): void {
    const owner = controllerOf(pod);
    if (owner !== undefined) this.tellAbout(namespace, owner, reasons, action);
  }

  tellAbout(namespace: string, object: About, reasons: readonly Reason[], action: Action): void {
    // Whoever reaches our port can send a review, and no API server has looked at it.
    if (!isName(object.name) || !isName(object.uid)) return;
    for (const why of reasons) {
      // What there is no room for now is not told yet: it comes again.
      if (this.pending >= PENDING_MAX) return;
      if (this.told.isTold(keyOf(object, why), this.options.nowMs())) continue;
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
