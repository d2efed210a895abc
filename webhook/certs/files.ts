// Certificates from files that somebody else renews (cert-manager's mounted Secret). The kubelets of
// two replicas see a new one up to minutes apart: till then the bundle must trust both authorities.

import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { type CaBundle, SETTLE_MS } from './ca-bundle.ts';
import { endOf } from './pem.ts';
import {
  type CertificateSource,
  type CertificateWatcher,
  NOBODY,
  type ServingCertificate,
} from './source.ts';
import { kubeMessage } from '../kube.ts';

/** A kubelet looks at its Secrets every minute, and may have read the old one just before. */
const SPREAD_MS = 600_000;

export type FileOptions = {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string | undefined;
  readonly bundle: Pick<CaBundle, 'ensure' | 'include'>;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Passes without a jump. */
  readonly elapsedMs: () => number;
  readonly watcher?: CertificateWatcher;
};

export class FileCertificates implements CertificateSource {
  private readonly options: FileOptions;
  private current: ServingCertificate | undefined;
  private caPem: string | undefined;
  /** When everybody surely has the authority that is in our files; undefined: done. */
  private spreadAtMs: number | undefined;
  private onCertificate: (certificate: ServingCertificate) => void = () => {};
  private running: Promise<void> | undefined;

  constructor(options: FileOptions) {
    this.options = options;
  }

  async start(
    onCertificate: (certificate: ServingCertificate) => void,
  ): Promise<ServingCertificate> {
    const first = await this.read();
    this.current = first;
    this.watcher.rotated('leaf', true);
    this.watcher.ends('leaf', first.notAfterMs);
    await this.check();
    this.onCertificate = onCertificate;
    return this.current;
  }

  private get watcher(): CertificateWatcher {
    return this.options.watcher ?? NOBODY;
  }

  /** Never two at once: one that waits until a bundle is in force stands for those that come meanwhile. */
  async check(): Promise<void> {
    this.running ??= this.look().finally(() => (this.running = undefined));
    return await this.running;
  }

  private async look(): Promise<void> {
    const { log } = this.options;
    try {
      const hasNewBundle = await this.keepBundle();
      const read = await this.read();
      if (read.certPem === this.current?.certPem && read.keyPem === this.current.keyPem) return;
      if (hasNewBundle) await delay(SETTLE_MS);
      this.current = read;
      this.onCertificate(read);
      this.watcher.rotated('leaf', true);
      this.watcher.ends('leaf', read.notAfterMs);
      log.info('the serving certificate was read again');
    } catch (error) {
      // Half-written files: the old certificate serves on until the next look.
      log.warn({ error: kubeMessage(error) }, 'certificate files could not be read');
      this.watcher.rotated('leaf', false);
    }
  }

  /** True where the API server has yet to learn of it. */
  private async keepBundle(): Promise<boolean> {
    const { caFile, bundle, nowMs, elapsedMs } = this.options;
    if (caFile === undefined) return false;
    const caPem = await readFile(caFile, 'utf8');
    if (caPem !== this.caPem) {
      this.spreadAtMs = elapsedMs() + SPREAD_MS;
      this.watcher.ends('ca', endOf(caPem) ?? 0);
      this.watcher.rotated('ca', true);
    }
    this.caPem = caPem;
    this.watcher.trusted(false);
    if (this.spreadAtMs === undefined || elapsedMs() < this.spreadAtMs) {
      const isNew = await bundle.include(caPem, nowMs());
      this.watcher.trusted(true);
      return isNew;
    }
    // Once: whoever has the old files even now adds its own again, and that is left alone.
    this.spreadAtMs = undefined;
    const isNew = await bundle.ensure(caPem);
    this.watcher.trusted(true);
    return isNew;
  }

  private async read(): Promise<ServingCertificate> {
    const { certFile, keyFile } = this.options;
    const [certPem, keyPem] = await Promise.all([
      readFile(certFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    try {
      createSecureContext({ cert: certPem, key: keyPem });
    } catch (error) {
      const remedy = 'Check that --tls-key-file is the key of --tls-cert-file.';
      const message = `${certFile}: ${messageOf(error)}`;
      throw new OrchestratorError('RO_CERTIFICATE', message, { cause: error, remedy });
    }
    return { certPem, keyPem, notAfterMs: endOf(certPem) ?? 0 };
  }
}
