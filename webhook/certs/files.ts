// Certificates from files that somebody else renews (cert-manager's mounted Secret).

import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { validityOf } from './authority.ts';
import type { CaBundle } from './ca-bundle.ts';
import type { CertificateSource, ServingCertificate } from './source.ts';
import { kubeMessage } from '../kube.ts';

export type FileOptions = {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string | undefined;
  readonly bundle: CaBundle;
  readonly log: Log;
};

export class FileCertificates implements CertificateSource {
  private readonly options: FileOptions;
  private current: ServingCertificate | undefined;
  private onCertificate: (certificate: ServingCertificate) => void = () => {};

  constructor(options: FileOptions) {
    this.options = options;
  }

  async start(
    onCertificate: (certificate: ServingCertificate) => void,
  ): Promise<ServingCertificate> {
    const first = await this.read();
    this.current = first;
    this.onCertificate = onCertificate;
    await this.check();
    return first;
  }

  async check(): Promise<void> {
    const { caFile, bundle, log } = this.options;
    try {
      if (caFile !== undefined) await bundle.ensure(await readFile(caFile, 'utf8'));
      const read = await this.read();
      if (read.certPem === this.current?.certPem && read.keyPem === this.current.keyPem) return;
      this.current = read;
      this.onCertificate(read);
      log.info('the serving certificate was read again');
    } catch (error) {
      // Half-written files: the old certificate serves on until the next look.
      log.warn({ error: kubeMessage(error) }, 'certificate files could not be read');
    }
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
    return { certPem, keyPem, notAfterMs: notAfterOf(certPem) };
  }
}

/** node-forge reads RSA only; a certificate of another kind has no metric, and serves all the same. */
function notAfterOf(certPem: string): number {
  try {
    return validityOf(certPem).notAfterMs;
  } catch {
    return 0;
  }
}
