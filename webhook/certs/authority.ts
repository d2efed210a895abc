// X.509 by node-forge: an authority and the leaves that it signs. Keys are made by Node itself,
// off the event loop; forge only builds and signs.

import { generateKeyPair, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';

export type KeyedCertificate = { readonly certPem: string; readonly keyPem: string };
export type Validity = { readonly notBeforeMs: number; readonly notAfterMs: number };

const KEY_BITS = 2048;
/** Clocks of other machines may be behind. */
const BACKDATE_MS = 3_600_000;
const makeKeyPair = promisify(generateKeyPair);

async function createKey(): Promise<forge.pki.rsa.KeyPair & { keyPem: string }> {
  const { privateKey } = await makeKeyPair('rsa', { modulusLength: KEY_BITS });
  const keyPem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const forgeKey = forge.pki.privateKeyFromPem(keyPem);
  return {
    keyPem,
    privateKey: forgeKey,
    publicKey: forge.pki.setRsaPublicKey(forgeKey.n, forgeKey.e),
  };
}

/** Positive, 127 bits: never negative in DER, never repeated. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function emptyCertificate(nowMs: number, lifetimeMs: number): forge.pki.Certificate {
  const cert = forge.pki.createCertificate();
  cert.serialNumber = serialNumber();
  cert.validity.notBefore = new Date(nowMs - BACKDATE_MS);
  cert.validity.notAfter = new Date(nowMs + lifetimeMs);
  return cert;
}

export async function createAuthority(
  nowMs: number,
  lifetimeMs: number,
): Promise<KeyedCertificate> {
  const key = await createKey();
  const cert = emptyCertificate(nowMs, lifetimeMs);
  // The serial in the name keeps two authorities of one bundle apart.
  const name = `redis-orchestrator-ca-${cert.serialNumber.slice(0, 8)}`;
  cert.publicKey = key.publicKey;
  cert.setSubject([{ name: 'commonName', value: name }]);
  cert.setIssuer([{ name: 'commonName', value: name }]);
  cert.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  cert.sign(key.privateKey, forge.md.sha256.create());
  return { certPem: forge.pki.certificateToPem(cert), keyPem: key.keyPem };
}

/** A leaf for names and addresses, valid no longer than its authority. */
export async function issueLeaf(
  authority: KeyedCertificate,
  names: readonly string[],
  nowMs: number,
  lifetimeMs: number,
): Promise<KeyedCertificate> {
  const issuer = forge.pki.certificateFromPem(authority.certPem);
  const key = await createKey();
  const lifetime = Math.min(lifetimeMs, issuer.validity.notAfter.getTime() - nowMs);
  const cert = emptyCertificate(nowMs, lifetime);
  cert.publicKey = key.publicKey;
  cert.setSubject([{ name: 'commonName', value: (names[0] ?? '').slice(0, 64) }]);
  cert.setIssuer(issuer.subject.attributes);
  cert.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map(altName) },
    { name: 'subjectKeyIdentifier' },
    {
      name: 'authorityKeyIdentifier',
      keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
    },
  ]);
  cert.sign(forge.pki.privateKeyFromPem(authority.keyPem), forge.md.sha256.create());
  return { certPem: forge.pki.certificateToPem(cert), keyPem: key.keyPem };
}

function altName(name: string): { type: number; value?: string; ip?: string } {
  return isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name };
}

/** All names by which the API server may call a Service. */
export function serviceNames(service: string, namespace: string): readonly string[] {
  const base = `${service}.${namespace}.svc`;
  return [base, `${base}.cluster.local`, `${service}.${namespace}`, service];
}

export function validityOf(certPem: string): Validity {
  const { validity } = forge.pki.certificateFromPem(certPem);
  return { notBeforeMs: validity.notBefore.getTime(), notAfterMs: validity.notAfter.getTime() };
}

/**
 * At two thirds of its life a certificate is replaced; the last third is for trouble. One that is not valid yet is
 * no better than one that has ended.
 */
export function isDue(certPem: string, nowMs: number): boolean {
  const { notBeforeMs, notAfterMs } = validityOf(certPem);
  const start = notBeforeMs + BACKDATE_MS;
  return nowMs < notBeforeMs || nowMs >= start + ((notAfterMs - start) * 2) / 3;
}
