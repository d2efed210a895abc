// Tells the owner of a pod by an Event what the person would not see otherwise: warnings about a
// StatefulSet's pods never reach anybody. Fire and forget, bounded, the same words not twice.

import { randomUUID } from 'node:crypto';
import type { EventsV1Api } from '@kubernetes/client-node';
import { V1MicroTime } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import { controllerOf, type Pod } from '../core/pod.ts';
import { type Reason, reasonText } from '../core/reasons.ts';
import { kubeMessage } from '../kube.ts';

const PENDING_MAX = 50;
const REMEMBERED_MAX = 1000;
const AGAIN_MS = 600_000;

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

  tell(namespace: string, pod: Pod, reasons: readonly Reason[], action: 'Inject' | 'Skip'): void {
    const owner = controllerOf(pod);
    if (owner?.name === undefined || owner.uid === undefined) return;
    for (const why of reasons) {
      if (this.isTold(`${owner.uid}/${why.code}`) || this.pending >= PENDING_MAX) continue;
      this.pending++;
      void this.create(namespace, owner, why, action).finally(() => this.pending--);
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
    owner: { apiVersion?: string; kind?: string; name?: string; uid?: string },
    why: Reason,
    action: string,
  ): Promise<void> {
    const { api, log, instance, nowMs } = this.options;
    const name = (owner.name ?? '').slice(0, 200);
    const body = {
      metadata: { namespace, name: `${name}.${randomUUID().slice(0, 18)}` },
      eventTime: new V1MicroTime(nowMs()),
      type: 'Warning',
      reason: pascalCase(why.code),
      action,
      note: reasonText(why),
      reportingController: 'redis-orchestrator.io/webhook',
      reportingInstance: instance,
      regarding: {
        ...(owner.apiVersion === undefined ? {} : { apiVersion: owner.apiVersion }),
        ...(owner.kind === undefined ? {} : { kind: owner.kind }),
        ...(owner.uid === undefined ? {} : { uid: owner.uid }),
        name: owner.name ?? '',
        namespace,
      },
    };
    try {
      await api.createNamespacedEvent({ namespace, body });
    } catch (error) {
      log.warn({ namespace, error: kubeMessage(error) }, 'an Event could not be created');
    }
  }
}

function pascalCase(code: string): string {
  return code.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
}
