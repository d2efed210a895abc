// Tells the owner of a pod by an Event what the person would not see otherwise: warnings about a
// StatefulSet's pods never reach anybody. Fire and forget, bounded, the same words not twice.

import type { EventsV1Api } from '@kubernetes/client-node';
import { V1MicroTime } from '@kubernetes/client-node';
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
  private readonly told = new Map<string, number>();
  private pending = 0;

  constructor(options: OwnerEventsOptions) {
    this.options = options;
  }

  tell(namespace: string, pod: Pod, reasons: readonly Reason[], action: Action): void {
    const owner = controllerOf(pod);
    if (owner !== undefined) this.tellAbout(namespace, owner, reasons, action);
  }

  tellAbout(namespace: string, object: About, reasons: readonly Reason[], action: Action): void {
    if (object.name === undefined || object.uid === undefined) return;
    for (const why of reasons) {
      if (this.isTold(`${object.uid}/${why.code}`) || this.pending >= PENDING_MAX) continue;
      this.pending++;
      void this.create(namespace, object, why, action).finally(() => this.pending--);
    }
  }

  private isTold(key: string): boolean {
    const now = this.options.nowMs();
    const last = this.told.get(key);
    if (last !== undefined && now - last < AGAIN_MS) return true;
    this.told.delete(key);
    this.told.set(key, now);
    const [oldest] = this.told.keys();
    if (this.told.size > REMEMBERED_MAX && oldest !== undefined) this.told.delete(oldest);
    return false;
  }

  private async create(
    namespace: string,
    object: About,
    why: Reason,
    action: Action,
  ): Promise<void> {
    const { api, log, instance, nowMs } = this.options;
    const name = (object.name ?? '').slice(0, 200);
    const body = {
      metadata: { namespace, name: `${name}.${shortHash(`${object.uid}/${why.code}`)}` },
      eventTime: new V1MicroTime(nowMs()),
      type: 'Warning',
      reason: pascalCase(why.code),
      action,
      note: reasonText(why),
      reportingController: 'redis-orchestrator.io/webhook',
      reportingInstance: instance,
      regarding: {
        ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
        ...(object.kind === undefined ? {} : { kind: object.kind }),
        ...(object.uid === undefined ? {} : { uid: object.uid }),
        name: object.name ?? '',
        namespace,
      },
    };
    try {
      await api.createNamespacedEvent({ namespace, body });
    } catch (error) {
      // The name is made of what is said: the other replica was faster.
      if (isStatus(error, 409)) return;
      log.warn({ namespace, error: kubeMessage(error) }, 'an Event could not be created');
    }
  }
}

function pascalCase(code: string): string {
  return code.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
}
