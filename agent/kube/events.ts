// Tells people by Events what the agents did: on the StatefulSet what is about the group, so that
// `kubectl describe sts` shows it, else on the pod. Fire and forget, bounded; nothing waits for it.

import type { V1Pod } from '@kubernetes/client-node';
import { eventBody, pascalCase, type Regarding, ToldBefore } from '../../src/kube-event.ts';
import type { Log } from '../../src/log.ts';
import type { Clock } from '../clock.ts';
import { type Notice, NOTICES } from '../core/notice-table.ts';
import type { ApiClient } from './api.ts';
import { microTime } from './micro-time.ts';

const TIMEOUT_MS = 5000;
const PENDING_MAX = 20;
const AGAIN_MS = 600_000;
const REMEMBERED_MAX = 200;
const BY_PEOPLE: ReadonlySet<Notice['reason']> = new Set(['Paused', 'Resumed']);

export type AgentEventsOptions = {
  readonly api: Pick<ApiClient, 'send'>;
  readonly own: V1Pod;
  readonly agentId: string;
  readonly clock: Clock;
  readonly log: Log;
};

/** The name that a problem's Event has: that of its code. */
function eventReason({ reason, note }: Notice): string {
  return reason === 'Problem' ? pascalCase((note.split(':')[0] ?? '').replace(/^RO_/, '')) : reason;
}

export class AgentEvents {
  readonly #options: AgentEventsOptions;
  readonly #told = new ToldBefore({ againMs: AGAIN_MS, max: REMEMBERED_MAX });
  #pending = 0;
  #count = 0;

  constructor(options: AgentEventsOptions) {
    this.#options = options;
  }

  tell(notice: Notice): void {
    const { clock, log } = this.#options;
    const reason = eventReason(notice);
    const regarding = this.#regarding(notice);
    // What a person did is told each time: the same again is another act.
    const isAct = BY_PEOPLE.has(notice.reason);
    const key = `${regarding.uid}/${reason}/${notice.note}`;
    if (!isAct && this.#told.isTold(key, clock.now())) return;
    if (this.#pending >= PENDING_MAX) {
      log.debug({ reason }, 'an Event was left out: too many wait for the API server');
      return;
    }
    this.#pending++;
    void this.#create(notice, reason, regarding).finally(() => this.#pending--);
  }

  /** The group stands for itself as its StatefulSet; a pod without owner stands for both. */
  #regarding({ reason, pod }: Notice): Regarding {
    const { metadata } = this.#options.own;
    const namespace = metadata?.namespace ?? '';
    const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
    if (NOTICES[reason].about === 'group' && owner !== undefined) {
      const { apiVersion, kind, name, uid } = owner;
      return { apiVersion, kind, namespace, name, uid };
    }
    const { name = '', uid } = pod ?? metadata ?? {};
    return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
  }

  async #create(notice: Notice, reason: string, regarding: Regarding): Promise<void> {
    const { api, own, agentId, clock, log } = this.#options;
    const text = { type: NOTICES[notice.reason].type, reason, action: 'Elect', note: notice.note };
    const from = {
      controller: 'redis-orchestrator.io/agent',
      instance: own.metadata?.name ?? '',
      suffix: `${agentId}.${this.#count++}`,
    };
    const eventTime = microTime(clock.epochMs());
    const done = await api.send({
      method: 'POST',
      path: `/apis/events.k8s.io/v1/namespaces/${regarding.namespace}/events`,
      body: { ...eventBody(regarding, text, from), eventTime },
      timeoutMs: TIMEOUT_MS,
    });
    if (!done.ok) log.warn({ reason, detail: done.message }, 'an Event could not be created');
  }
}
