// The group's Lease: read from a watch, written by compare-and-swap on the version that was judged.

import type { V1Lease } from '@kubernetes/client-node';
import { FORCE_ANNOTATION, leaseName, MANAGER, RECORD_ANNOTATION } from '../../src/names.ts';
import type { Holder, LeaseView, LeaseWrite } from '../core/model.ts';
import { readRecord } from './annotation-text.ts';
import type { ApiResult, LeasePort, LeaseWritten } from '../ports.ts';
import type { ApiClient } from './api.ts';
import { microTime } from './micro-time.ts';
import { leasesPath, watchOneLease } from './one-lease.ts';

/** What the API server sends: Lease times are plain strings in JSON. */
type RawLease = Omit<V1Lease, 'spec'> & {
  spec?: {
    holderIdentity?: string;
    leaseTransitions?: number;
    renewTime?: string;
    acquireTime?: string;
    leaseDurationSeconds?: number;
  };
};

/** `5`, or `5 by alice`. */
const FORCE = /^(\d+)(?: by ([^\n]{1,60}))?$/;

/** `podName_podUID_agentId`; a pod's name holds no underscore. */
function holderText(holder: Holder): string {
  return `${holder.pod}_${holder.uid}_${holder.agentId}`;
}

function parseHolder(text: string | undefined): Holder | null {
  const [pod, uid, agentId] = (text ?? '').split('_');
  if (pod === undefined || uid === undefined || agentId === undefined) return null;
  return { pod, uid, agentId };
}

function viewOfLease(raw: RawLease): LeaseView {
  const annotations = raw.metadata?.annotations ?? {};
  const [, force, forcedBy] = FORCE.exec(annotations[FORCE_ANNOTATION] ?? '') ?? [];
  return {
    resourceVersion: raw.metadata?.resourceVersion ?? '',
    holder: parseHolder(raw.spec?.holderIdentity),
    term: raw.spec?.leaseTransitions ?? 0,
    renewTime: raw.spec?.renewTime ?? null,
    record: readRecord(annotations[RECORD_ANNOTATION]),
    force: force === undefined ? null : Number(force),
    ...(forcedBy === undefined ? {} : { forcedBy }),
  };
}

export class LeaseAdapter implements LeasePort {
  readonly #api: ApiClient;
  readonly #namespace: string;
  readonly #group: string;
  readonly #waitSeconds: number;
  #last: RawLease | null = null;

  constructor(api: ApiClient, namespace: string, group: string, waitMs: number) {
    this.#api = api;
    this.#namespace = namespace;
    this.#group = group;
    this.#waitSeconds = Math.ceil(waitMs / 1000);
  }

  get #base(): string {
    return leasesPath(this.#namespace);
  }

  get #name(): string {
    return leaseName(this.#group);
  }

  watch(
    listener: (lease: LeaseView | null) => void,
    onBroken: (detail: string) => void,
    random: () => number,
  ): Promise<void> {
    const onSeen = (raw: RawLease | null): void => {
      this.#last = raw;
      listener(raw === null ? null : viewOfLease(raw));
    };
    const [api, namespace, name] = [this.#api, this.#namespace, this.#name];
    return watchOneLease<RawLease>({ api, namespace, name, onSeen, onBroken, random });
  }

  async read(timeoutMs: number): Promise<ApiResult<LeaseView | null>> {
    const result = await this.#api.send<RawLease>({
      method: 'GET',
      path: `${this.#base}/${this.#name}`,
      timeoutMs,
    });
    if (result.ok) {
      this.#last = result.body;
      return { ok: true, body: viewOfLease(result.body) };
    }
    return result.status === 404 ? { ok: true, body: null } : result;
  }

  async write(write: LeaseWrite, timeoutMs: number, epochMs: number): Promise<LeaseWritten> {
    const isCreate = write.resourceVersion === '';
    const result = await this.#api.send<RawLease>({
      method: isCreate ? 'POST' : 'PUT',
      path: isCreate ? this.#base : `${this.#base}/${this.#name}`,
      body: this.#body(write, epochMs),
      timeoutMs,
    });
    if (result.ok) {
      this.#last = result.body;
      return { outcome: 'ok', lease: viewOfLease(result.body), detail: '', absent: false };
    }
    const detail = `${result.status} ${result.message}`;
    if (result.status === 409 || result.status === 404) {
      const fresh = await this.read(timeoutMs);
      const lease = fresh.ok ? fresh.body : null;
      // Without the fresh Lease nothing is known: as if the write had not been answered.
      const outcome = fresh.ok ? 'conflict' : 'timeout';
      return { outcome, lease, detail, absent: fresh.ok && fresh.body === null };
    }
    const outcome =
      result.status === 401 || result.status === 403
        ? 'denied'
        : result.status === 0
          ? 'timeout'
          : 'error';
    return { outcome, lease: null, detail, absent: false };
  }

  #body(write: LeaseWrite, epochMs: number): RawLease {
    const now = microTime(epochMs);
    const last = write.resourceVersion === '' ? null : this.#last;
    const history = write.record.history.map((entry) =>
      entry.at === '' ? { ...entry, at: new Date(epochMs).toISOString() } : entry,
    );
    const annotations: Record<string, string> = {
      ...last?.metadata?.annotations,
      [RECORD_ANNOTATION]: JSON.stringify({ ...write.record, history }),
    };
    if (write.op !== 'renew') delete annotations[FORCE_ANNOTATION];
    const isNewTerm = write.term !== last?.spec?.leaseTransitions;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: this.#name,
        namespace: this.#namespace,
        labels: { ...last?.metadata?.labels, 'app.kubernetes.io/managed-by': MANAGER },
        annotations,
        ...(write.resourceVersion === '' ? {} : { resourceVersion: write.resourceVersion }),
      },
      spec: {
        ...(write.holder === null ? {} : { holderIdentity: holderText(write.holder) }),
        leaseTransitions: write.term,
        leaseDurationSeconds: this.#waitSeconds,
        renewTime: now,
        acquireTime: isNewTerm ? now : (last?.spec?.acquireTime ?? now),
      },
    };
  }
}
