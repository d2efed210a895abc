// One of the replicas works the controller: whose name is in the Lease. Expiry is what this process saw by its own
// steady clock, never a time that another wrote. It keeps work from being done twice and is no fence: what is
// done is right from every replica.

import { setTimeout as delay } from 'node:timers/promises';
import { type CoordinationV1Api, type V1Lease, V1MicroTime } from '@kubernetes/client-node';
import type { Log } from '../../src/log.ts';
import { isStatus, kubeMessage } from '../kube.ts';

const LEASE_NAME = 'redis-orchestrator-webhook';
/** Others take it when it was not renewed for so long. */
const DURATION_MS = 6000;
/** The holder stops before that: a request of it may be under way. */
const VALID_MS = 4000;
const EVERY_MS = 1500;
/** A renewal that was under way may come in between. */
const RELEASES_MAX = 3;

export type LeaderOptions = {
  readonly api: CoordinationV1Api;
  readonly namespace: string;
  /** Of this process alone. */
  readonly identity: string;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Passes without a jump. */
  readonly elapsedMs: () => number;
  readonly onChange: (isLeader: boolean) => void;
};

export class Leader {
  private readonly options: LeaderOptions;
  private renewedAtMs = Number.NEGATIVE_INFINITY;
  private wasLeader = false;
  private isEnding = false;
  /** The Lease as it was last seen to change, and when. */
  private seen: { readonly version: string; readonly atMs: number } | undefined;

  constructor(options: LeaderOptions) {
    this.options = options;
  }

  get isLeader(): boolean {
    return !this.isEnding && this.options.elapsedMs() - this.renewedAtMs < VALID_MS;
  }

  /** It is known who leads: this one, or somebody else. */
  get isDecided(): boolean {
    return this.seen !== undefined;
  }

  async run(): Promise<void> {
    while (!this.isEnding) {
      const step = this.step().catch((error: unknown) => {
        this.options.log.warn({ error: kubeMessage(error) }, 'the Lease could not be kept');
      });
      // An answer that does not come must not keep us from asking again.
      await Promise.race([step, delay(VALID_MS, undefined, { ref: false })]);
      this.tell();
      await delay(EVERY_MS, undefined, { ref: false });
    }
  }

  /** The next one need not wait until the Lease has expired. */
  async release(): Promise<void> {
    const wasLeader = this.isLeader;
    this.isEnding = true;
    if (!wasLeader) return;
    for (let attempt = 0; attempt < RELEASES_MAX; attempt++) {
      const lease = await this.read();
      if (lease?.spec?.holderIdentity !== this.options.identity) return;
      const { leaseTransitions = 0 } = lease.spec;
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions };
      if (await this.replace(lease, spec)) return;
    }
  }

  private async step(): Promise<void> {
    const { elapsedMs, identity } = this.options;
    const askedMs = elapsedMs();
    const lease = await this.read();
    if (lease === undefined) {
      if (await this.create()) this.renewed(askedMs);
      return;
    }
    const version = lease.metadata?.resourceVersion ?? '';
    if (this.seen?.version !== version) this.seen = { version, atMs: elapsedMs() };
    const holder = lease.spec?.holderIdentity ?? '';
    const isExpired = elapsedMs() - this.seen.atMs >= DURATION_MS;
    if (holder !== '' && holder !== identity && !isExpired) {
      this.renewedAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    if (await this.take(lease, holder)) this.renewed(askedMs);
  }

  /** What happened since the Lease ran out was left alone: that must be told, even if no look fell into that time. */
  private renewed(atMs: number): void {
    if (!this.isLeader) this.wasLeader = false;
    this.renewedAtMs = atMs;
  }

  private async take(lease: V1Lease, holder: string): Promise<boolean> {
    const { identity, nowMs } = this.options;
    const now = new V1MicroTime(nowMs());
    const isSame = holder === identity;
    const since = isSame ? new V1MicroTime(lease.spec?.acquireTime ?? now) : now;
    return await this.replace(lease, {
      holderIdentity: identity,
      leaseDurationSeconds: DURATION_MS / 1000,
      acquireTime: since,
      renewTime: now,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + (isSame ? 0 : 1),
    });
  }

  private tell(): void {
    const { log, onChange, identity } = this.options;
    if (this.isLeader === this.wasLeader) return;
    this.wasLeader = this.isLeader;
    log.info({ identity, isLeader: this.wasLeader }, 'who works the controller has changed');
    onChange(this.wasLeader);
  }

  private async read(): Promise<V1Lease | undefined> {
    const { api, namespace } = this.options;
    try {
      return await api.readNamespacedLease({ namespace, name: LEASE_NAME });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  private async create(): Promise<boolean> {
    const { api, namespace, identity, nowMs } = this.options;
    const now = new V1MicroTime(nowMs());
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: DURATION_MS / 1000,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    };
    const body = { metadata: { name: LEASE_NAME, namespace }, spec };
    return await this.won(api.createNamespacedLease({ namespace, body }));
  }

  private async replace(lease: V1Lease, spec: NonNullable<V1Lease['spec']>): Promise<boolean> {
    const { api, namespace } = this.options;
    const body = { metadata: lease.metadata ?? {}, spec };
    return await this.won(api.replaceNamespacedLease({ namespace, name: LEASE_NAME, body }));
  }

  /** False where another was faster. */
  private async won(write: Promise<V1Lease>): Promise<boolean> {
    try {
      const { metadata } = await write;
      this.seen = { version: metadata?.resourceVersion ?? '', atMs: this.options.elapsedMs() };
      return true;
    } catch (error) {
      if (isStatus(error, 409)) return false;
      throw error;
    }
  }
}
