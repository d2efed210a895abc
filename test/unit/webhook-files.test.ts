// Files of somebody else: replicas that see them at different times trust each other's authority, and forget a
// former one once, when everybody has the new files.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import type {
  AdmissionregistrationV1Api,
  V1MutatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { createAuthority, issueLeaf } from '../../webhook/certs/authority.ts';
import { CaBundle } from '../../webhook/certs/ca-bundle.ts';
import { FileCertificates } from '../../webhook/certs/files.ts';
import { certificatesOf } from '../../webhook/certs/pem.ts';
import { MountedSecret } from '../harness/mounted-secret.ts';

const HOUR_MS = 3_600_000;
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** What server-side apply by one field manager makes of two entries. */
class FakeConfiguration {
  bundle = '';
  writes = 0;
  readonly api = {
    readMutatingWebhookConfiguration: async () => ({
      webhooks: ['a', 'b'].map((name) => ({ name, clientConfig: { caBundle: this.bundle } })),
    }),
    patchMutatingWebhookConfiguration: async (patch: { body: V1MutatingWebhookConfiguration }) => {
      this.bundle = patch.body.webhooks?.[0]?.clientConfig.caBundle ?? '';
      this.writes++;
    },
  } as unknown as AdmissionregistrationV1Api;

  trusted(): readonly string[] {
    return certificatesOf(Buffer.from(this.bundle, 'base64').toString());
  }
}

async function issued(lifetimeMs = HOUR_MS) {
  const authority = await createAuthority(Date.now(), lifetimeMs);
  const leaf = await issueLeaf(authority, ['127.0.0.1'], Date.now(), lifetimeMs);
  return { 'tls.crt': leaf.certPem, 'tls.key': leaf.keyPem, 'ca.crt': authority.certPem };
}

async function twoReplicas(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'ro-files-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const configuration = new FakeConfiguration();
  const clock = { elapsedMs: 0, nowMs: Date.now() };
  const first = await issued();
  const replicas = ['one', 'two'].map((name) => {
    const mount = new MountedSecret(join(directory, name), first);
    const certificates = new FileCertificates({
      certFile: mount.path('tls.crt'),
      keyFile: mount.path('tls.key'),
      caFile: mount.path('ca.crt'),
      bundle: new CaBundle(configuration.api, 'x'),
      log,
      nowMs: () => clock.nowMs,
      elapsedMs: () => clock.elapsedMs,
    });
    return { mount, certificates };
  });
  for (const { certificates } of replicas) await certificates.start(() => {});
  const look = async (): Promise<void> => {
    for (const { certificates } of replicas) await certificates.check();
  };
  return { configuration, clock, first, replicas, look };
}

void test('an authority that one replica has and the other not yet: both are trusted, nobody fights', async (t) => {
  const { configuration, clock, first, replicas, look } = await twoReplicas(t);
  t.equal(configuration.writes, 1);
  const second = await issued();
  replicas[0]?.mount.update(second);
  for (let round = 0; round < 3; round++) await look();
  t.equal(configuration.writes, 2);
  const both = [second, first].flatMap((files) => certificatesOf(files['ca.crt']));
  t.same(configuration.trusted(), both);

  replicas[1]?.mount.update(second);
  await look();
  t.equal(configuration.writes, 2);
  clock.elapsedMs += 601_000;
  for (let round = 0; round < 3; round++) await look();
  t.equal(configuration.writes, 3, 'the former one is taken out once');
  t.same(configuration.trusted(), certificatesOf(second['ca.crt']));
});

void test('a replica whose files never change keeps its authority in the bundle, without end of writes', async (t) => {
  const { configuration, clock, first, replicas, look } = await twoReplicas(t);
  const second = await issued();
  replicas[0]?.mount.update(second);
  await look();
  clock.elapsedMs += 601_000;
  for (let round = 0; round < 5; round++) await look();
  t.ok(configuration.writes <= 5, `${configuration.writes} writes`);
  const writes = configuration.writes;
  for (let round = 0; round < 5; round++) await look();
  t.equal(configuration.writes, writes, 'and then none');
  for (const files of [first, second]) {
    t.ok(configuration.trusted().includes(certificatesOf(files['ca.crt'])[0] ?? ''));
  }
});

void test('an authority that has ended goes with the next write', async (t) => {
  const { configuration, clock, first, replicas, look } = await twoReplicas(t);
  clock.nowMs += 2 * HOUR_MS;
  const second = await issued();
  for (const { mount } of replicas) mount.update(second);
  await look();
  t.notOk(configuration.trusted().includes(certificatesOf(first['ca.crt'])[0] ?? ''));
});

void test('a key that is not of the certificate: the old one serves on', async (t) => {
  const { first, replicas } = await twoReplicas(t);
  const [one] = replicas;
  if (one === undefined) throw new Error('there is no replica');
  const served: string[] = [];
  await one.certificates.start(({ certPem }) => served.push(certPem));
  const next = await issued();
  one.mount.update({ ...first, 'tls.key': next['tls.key'] });
  await one.certificates.check();
  t.same(served, []);
  one.mount.update({ ...first, 'tls.crt': next['tls.crt'], 'tls.key': next['tls.key'] });
  await one.certificates.check();
  t.same(served, [next['tls.crt']]);
});
