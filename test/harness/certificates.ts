// One authority and server certificate for a test. Keys come from node:crypto (native, fast);
// node-forge, which knows RSA only, writes the certificates.

import { generateKeyPair } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';

const HOUR_MS = 3_600_000;
/** Long valid, as a cluster's own: the clock of who verifies it may be far behind. */
const BACKDATE_MS = 30 * 24 * HOUR_MS;
const generate = promisify(generateKeyPair);

export type KeyPair = { readonly privatePem: string; readonly publicPem: string };
export type Certificate = { readonly certPem: string; readonly keyPem: string };
export type Authority = Certificate & { readonly commonName: string };

export async function createKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 2048 });
  return {
    privatePem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

function emptyCertificate(pair: KeyPair, commonName: string): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicPem);
  // 0x40 in front: a sign bit would make it negative, and a padding zero is not valid DER.
  certificate.serialNumber = `40${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  certificate.validity.notBefore = new Date(Date.now() - BACKDATE_MS);
  certificate.validity.notAfter = new Date(Date.now() + 24 * HOUR_MS);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  return certificate;
}

export async function createAuthority(commonName: string): Promise<Authority> {
  const pair = await createKeyPair();
  const certificate = emptyCertificate(pair, commonName);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(pair.privatePem), forge.md.sha256.create());
  return {
    commonName,
    certPem: forge.pki.certificateToPem(certificate),
    keyPem: pair.privatePem,
  };
}

/** A certificate for servers and clients with the given names and addresses, by default for a day. */
export async function issueCertificate(
  authority: Authority,
  commonName: string,
  names: { readonly dns?: readonly string[]; readonly ips?: readonly string[] },
  notAfter?: Date,
): Promise<Certificate> {
  const pair = await createKeyPair();
  const certificate = emptyCertificate(pair, commonName);
  if (notAfter !== undefined) certificate.validity.notAfter = notAfter;
  certificate.setIssuer([{ name: 'commonName', value: authority.commonName }]);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        ...(names.dns ?? []).map((value) => ({ type: 2, value })),
        ...(names.ips ?? []).map((ip) => ({ type: 7, ip })),
      ],
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(authority.keyPem), forge.md.sha256.create());
  return { certPem: forge.pki.certificateToPem(certificate), keyPem: pair.privatePem };
}

export type TlsFiles = { readonly ca: string; readonly cert: string; readonly key: string };

/** As a mounted Secret has them; written again, they are what a rotation leaves. */
export function writeTlsFiles(
  folder: string,
  authority: Authority,
  certificate: Certificate,
): TlsFiles {
  const files = {
    ca: join(folder, 'ca.crt'),
    cert: join(folder, 'tls.crt'),
    key: join(folder, 'tls.key'),
  };
  writeFileSync(files.ca, authority.certPem);
  writeFileSync(files.cert, certificate.certPem);
  writeFileSync(files.key, certificate.keyPem);
  return files;
}

/** For the Service "redis", of an authority of its own. */
export async function redisTlsFiles(folder: string): Promise<TlsFiles> {
  const authority = await createAuthority('redis-ca');
  const names = { dns: ['redis', 'localhost'], ips: ['127.0.0.1'] };
  return writeTlsFiles(folder, authority, await issueCertificate(authority, 'redis', names));
}
