// Several certificates in one text, as caBundle and ca.crt hold them.

import { X509Certificate } from 'node:crypto';

/** One by one, each in the same form whoever wrote it; text around them is dropped. */
export function certificatesOf(text: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return found.map((pem) => `${pem.replaceAll('\r', '').trim()}\n`);
}

/** Each once, in the order in which they come. */
export function joined(certificates: Iterable<string>): string {
  return [...new Set(certificates)].join('');
}

/** Undefined where this is no certificate, of whatever kind of key. */
export function endOf(certPem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(certPem).validTo);
  } catch {
    return undefined;
  }
}

/** Not ended, as far as can be seen. */
export function isLiving(certPem: string, nowMs: number): boolean {
  return (endOf(certPem) ?? 0) > nowMs;
}
