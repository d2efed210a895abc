// Certificates as a TLS client sees them, and their renewal over a simulated year.

import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { test } from 'tap';
import {
  ApiException,
  type CoreV1Api,
  type V1Secret,
  type VersionApi,
} from '@kubernetes/client-node';
import {
  createAuthority,
  isDue,
  issueLeaf,
  serviceNames,
  validityOf,
} from '../../webhook/certs/authority.ts';
import { CaStore } from '../../webhook/certs/ca-store.ts';
import { ServerClock } from '../../webhook/certs/server-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.now();

void test('a leaf is trusted through its authority, by name and by address', async (t) => {
  const authority = await createAuthority(NOW_MS, 365 * DAY_MS);
  const leaf = await issueLeaf(authority, ['127.0.0.1', 'localhost'], NOW_MS, 7 * DAY_MS);
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (_request, response) => {
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dispatcher = new Agent({ connect: { ca: authority.certPem } });
  for (const host of ['127.0.0.1', 'localhost']) {
    const { body } = await request(`https://${host}:${port}/`, { dispatcher });
    t.equal(await body.text(), 'ok', host);
  }
  await dispatcher.close();
  server.close();
});

void test('a leaf carries what verifiers ask for', async (t) => {
  const authority = await createAuthority(NOW_MS, 365 * DAY_MS);
  const names = serviceNames('webhook', 'system');
  const leaf = new X509Certificate((await issueLeaf(authority, names, NOW_MS, 7 * DAY_MS)).certPem);
  const ca = new X509Certificate(authority.certPem);
  t.ok(leaf.verify(ca.publicKey));
  t.ok(leaf.checkIssued(ca));
  t.notOk(leaf.ca);
  t.ok(ca.ca);
  t.equal(leaf.checkHost('webhook.system.svc'), 'webhook.system.svc');
  t.equal(leaf.checkHost('webhook.system.svc.cluster.local'), 'webhook.system.svc.cluster.local');
  t.same(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'server authentication only');
  t.ok(new Date(leaf.validFrom).getTime() <= NOW_MS - HOUR_MS + 1000, 'clocks may be behind');
});

void test('a leaf never outlives its authority', async (t) => {
  const authority = await createAuthority(NOW_MS, DAY_MS);
  const leaf = await issueLeaf(authority, ['x'], NOW_MS, 7 * DAY_MS);
  t.ok(validityOf(leaf.certPem).notAfterMs <= validityOf(authority.certPem).notAfterMs);
});

void test('a certificate is due at two thirds of its life', async (t) => {
  const { certPem } = await createAuthority(NOW_MS, 9 * DAY_MS);
  t.notOk(isDue(certPem, NOW_MS + 5.9 * DAY_MS));
  t.ok(isDue(certPem, NOW_MS + 6.1 * DAY_MS));
});

/** A Secret with the server's rule: a write with an old resourceVersion is a conflict. */
class FakeSecrets {
  secret: V1Secret | undefined;
  writes = 0;

  private store({ data = {} }: V1Secret): V1Secret {
    this.writes++;
    this.secret = { data, metadata: { resourceVersion: String(this.writes) } };
    return this.secret;
  }

  asApi(): CoreV1Api {
    const failure = (code: number): Error => new ApiException(code, 'no', '{}', {});
    const api = {
      readNamespacedSecret: async () => {
        if (this.secret === undefined) throw failure(404);
        return this.secret;
      },
      createNamespacedSecret: async ({ body }: { body: V1Secret }) => {
        if (this.secret !== undefined) throw failure(409);
        return this.store(body);
      },
      replaceNamespacedSecret: async ({ body }: { body: V1Secret }) => {
        const isOld = body.metadata?.resourceVersion !== this.secret?.metadata?.resourceVersion;
        if (isOld) throw failure(409);
        return this.store(body);
      },
    };
    return api as unknown as CoreV1Api;
  }
}

const OPTIONS = { namespace: 'system', name: 'ca', lifetimeMs: 360 * DAY_MS };

void test('replicas that start together get one authority', async (t) => {
  const secrets = new FakeSecrets();
  const stores = [1, 2, 3].map(() => new CaStore(secrets.asApi(), OPTIONS));
  const authorities = await Promise.all(stores.map(async (store) => await store.obtain(NOW_MS)));
  t.equal(secrets.writes, 1);
  t.equal(new Set(authorities.map(({ bundlePem }) => bundlePem)).size, 1);
});

void test('a renewed authority keeps its forerunner in the bundle until the next renewal', async (t) => {
  const secrets = new FakeSecrets();
  const store = new CaStore(secrets.asApi(), OPTIONS);
  const count = (pem: string): number => pem.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
  const first = await store.obtain(NOW_MS);
  t.equal(count(first.bundlePem), 1);
  const renewed = await store.obtain(NOW_MS + 250 * DAY_MS);
  t.not(renewed.current.certPem, first.current.certPem);
  t.equal(count(renewed.bundlePem), 2);
  t.ok(renewed.bundlePem.includes(first.current.certPem.replaceAll('\r', '').trim()));
  const again = await store.obtain(NOW_MS + 500 * DAY_MS);
  t.equal(count(again.bundlePem), 2, 'the first one has ended');
  t.notOk(again.bundlePem.includes(first.current.certPem.replaceAll('\r', '').trim()));
});

void test('the bundle is what the Secret says, whatever the clock: replicas agree', async (t) => {
  const secrets = new FakeSecrets();
  const store = new CaStore(secrets.asApi(), OPTIONS);
  await store.obtain(NOW_MS);
  const renewed = await store.obtain(NOW_MS + 250 * DAY_MS);
  const ahead = await store.obtain(NOW_MS + 370 * DAY_MS);
  t.equal(ahead.bundlePem, renewed.bundlePem, 'the forerunner has ended for this one');
});

void test('an authority that is not valid yet is replaced', async (t) => {
  const secrets = new FakeSecrets();
  const store = new CaStore(secrets.asApi(), OPTIONS);
  const early = await store.obtain(NOW_MS + 10 * DAY_MS);
  const now = await store.obtain(NOW_MS);
  t.not(now.current.certPem, early.current.certPem);
  t.equal((await store.obtain(NOW_MS)).current.certPem, now.current.certPem, 'once');
});

void test('a damaged Secret is made anew', async (t) => {
  const secrets = new FakeSecrets();
  const store = new CaStore(secrets.asApi(), OPTIONS);
  await store.obtain(NOW_MS);
  secrets.secret = { data: { 'ca.crt': 'bm9uc2Vuc2U=' }, metadata: { resourceVersion: '1' } };
  const authority = await store.obtain(NOW_MS);
  t.match(authority.current.keyPem, /PRIVATE KEY/);
});

function serverClock(localMs: () => number, date: () => string | undefined) {
  const said: string[] = [];
  const warn = (fields: object): number => said.push(JSON.stringify(fields));
  const log = { debug() {}, info() {}, warn, error() {} };
  const answer = async () => ({ headers: { date: date() } });
  const api = { getCodeWithHttpInfo: answer } as unknown as VersionApi;
  return { clock: new ServerClock({ api, log, nowMs: localMs, onOffset: () => {} }), said };
}

void test("the time is the API server's: whole seconds do not make it waver", async (t) => {
  let localMs = NOW_MS;
  let date: string | undefined;
  const { clock, said } = serverClock(
    () => localMs,
    () => date,
  );
  const at = (ms: number): string => new Date(ms).toUTCString();
  date = at(NOW_MS);
  t.equal(await clock.look(), NOW_MS, 'the same: our own, to the millisecond');
  t.same(said, []);
  date = at(NOW_MS + 10 * HOUR_MS);
  const ahead = (await clock.look()) - localMs;
  t.ok(Math.abs(ahead - 10 * HOUR_MS) <= 1500, `${ahead} ms`);
  for (let step = 0; step < 50; step++) {
    localMs += 97;
    date = at(localMs + 10 * HOUR_MS);
    await clock.look();
  }
  localMs += 1;
  date = at(localMs + 10 * HOUR_MS);
  const settled = (await clock.look()) - localMs;
  localMs += 1;
  t.equal((await clock.look()) - localMs, settled, 'kept while nothing contradicts it');
  t.same(said, ['{"aheadSeconds":-36000}'], 'said once');
  localMs += 10 * HOUR_MS;
  t.equal(await clock.look(), localMs, 'set right: our own again');
});

void test('an answer without a time changes nothing, and no answer is an error', async (t) => {
  const { clock } = serverClock(
    () => NOW_MS,
    () => undefined,
  );
  t.equal(await clock.look(), NOW_MS);
  const silent = { getCodeWithHttpInfo: async () => await Promise.reject(new Error('silence')) };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const api = silent as unknown as VersionApi;
  const deaf = new ServerClock({ api, log, nowMs: () => NOW_MS, onOffset: () => {} });
  await t.rejects(deaf.look(), /silence/);
});
