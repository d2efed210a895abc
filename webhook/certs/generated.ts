// Certificates of our own making. The order is the invariant: a bundle that trusts a leaf's
// authority is in the configuration, and the API server has seen it, before the leaf serves.

import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../src/log.ts';
import { isDue, issueLeaf, type KeyedCertificate, validityOf } from './authority.ts';
import { type CaBundle, SETTLE_MS } from './ca-bundle.ts';
import type { CaStore } from './ca-store.ts';
import { certificatesOf } from './pem.ts';
import type { ServerClock } from './server-clock.ts';
import {
  type CertificateSource,
  type CertificateWatcher,
  NOBODY,
  type ServingCertificate,
} from './source.ts';
import { kubeMessage } from '../kube.ts';

export type GeneratedOptions = {
  readonly store: Pick<CaStore, 'obtain'>;
  readonly bundle: Pick<CaBundle, 'ensure'>;
  readonly names: readonly string[];
  readonly leafLifetimeMs: number;
  readonly log: Log;
  readonly clock: Pick<ServerClock, 'look'>;
  /** Time until the API server has surely seen a new bundle. */
  readonly settleMs?: number;
  readonly watcher?: CertificateWatcher;
};

const RETRY_MS = 1000;

export class GeneratedCertificates implements CertificateSource {
  private readonly options: GeneratedOptions;
  private leaf: KeyedCertificate | undefined;
  private issuerPem = '';
  private authorityPem = '';
  private onCertificate: (certificate: ServingCertificate) => void = () => {};
  private running: Promise<void> | undefined;
  private isAgain = false;

  constructor(options: GeneratedOptions) {
    this.options = options;
  }

  async start(
    onCertificate: (certificate: ServingCertificate) => void,
  ): Promise<ServingCertificate> {
    for (;;) {
      await this.check();
      if (this.leaf !== undefined) break;
      await delay(RETRY_MS);
    }
    this.onCertificate = onCertificate;
    return toServing(this.leaf);
  }

  /** Never two at once; a call during a check makes it run once more. */
  async check(): Promise<void> {
    if (this.running !== undefined) {
      this.isAgain = true;
      return await this.running;
    }
    this.running = this.loop();
    try {
      await this.running;
    } finally {
      this.running = undefined;
    }
  }

  private get watcher(): CertificateWatcher {
    return this.options.watcher ?? NOBODY;
  }

  /** Until it is written, or where it cannot be, the configuration may trust another one. */
  private async trusted(ensured: Promise<boolean>): Promise<boolean> {
    try {
      const hasChanged = await ensured;
      this.watcher.trusted(true);
      return hasChanged;
    } catch (error) {
      this.watcher.trusted(false);
      throw error;
    }
  }

  private tellAuthority(certPem: string): void {
    if (certPem === this.authorityPem) return;
    this.authorityPem = certPem;
    this.watcher.rotated('ca', true);
    this.watcher.ends('ca', validityOf(certPem).notAfterMs);
  }

  private async loop(): Promise<void> {
    do {
      this.isAgain = false;
      try {
        await this.reconcile();
      } catch (error) {
        this.options.log.warn({ error: kubeMessage(error) }, 'certificates could not be checked');
        // What failed is the authority, its bundle, or both: without it no leaf is issued either.
        this.watcher.rotated('ca', false);
      }
    } while (this.isAgain);
  }

  private async reconcile(): Promise<void> {
    const { store, bundle, names, leafLifetimeMs, log, clock } = this.options;
    const { settleMs = SETTLE_MS } = this.options;
    const nowMs = await clock.look();
    const authority = await store.obtain(nowMs);
    this.tellAuthority(authority.current.certPem);
    const hasChanged = await this.trusted(bundle.ensure(authority.bundlePem));
    if (hasChanged) log.info('the caBundle of the webhook configuration was written');
    const isSigned = this.issuerPem === authority.current.certPem;
    if (this.leaf !== undefined && isSigned && !isDue(this.leaf.certPem, nowMs)) return;
    // Where our own authority is trusted no more (its Secret was deleted), waiting only harms.
    const trusted = new Set(certificatesOf(authority.bundlePem));
    const isTrusted = certificatesOf(this.issuerPem).every((pem) => trusted.has(pem));
    if (this.leaf !== undefined && !isSigned && isTrusted) await delay(settleMs);
    this.leaf = await issueLeaf(authority.current, names, nowMs, leafLifetimeMs);
    this.issuerPem = authority.current.certPem;
    const serving = toServing(this.leaf);
    this.watcher.rotated('leaf', true);
    this.watcher.ends('leaf', serving.notAfterMs);
    log.info(
      { notAfter: new Date(serving.notAfterMs).toISOString(), names },
      'a serving certificate was issued',
    );
    this.onCertificate(serving);
  }
}

function toServing({ certPem, keyPem }: KeyedCertificate): ServingCertificate {
  return { certPem, keyPem, notAfterMs: validityOf(certPem).notAfterMs };
}
