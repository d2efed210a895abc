// Renewal in the right order: a bundle that trusts a leaf is in place before the leaf serves.

import { test } from 'tap';
import { createAuthority, type KeyedCertificate } from '../../webhook/certs/authority.ts';
import { GeneratedCertificates } from '../../webhook/certs/generated.ts';
import type { ServingCertificate } from '../../webhook/certs/source.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.now();
const log = { debug() {}, info() {}, warn() {}, error() {} };

class World {
  nowMs = START_MS;
  readonly happened: string[] = [];
  current: KeyedCertificate;
  bundlePem: string;
  isApiDown = false;
  private written = '';
  readonly served: ServingCertificate[] = [];
  readonly certificates: GeneratedCertificates;

  constructor(authority: KeyedCertificate) {
    this.current = authority;
    this.bundlePem = authority.certPem.replaceAll('\r', '');
    this.certificates = new GeneratedCertificates({
      store: { obtain: async () => this.obtain() },
      bundle: { ensure: async (pem) => this.ensure(pem) },
      names: ['webhook.system.svc'],
      leafLifetimeMs: 6 * DAY_MS,
      log,
      clock: { look: async () => this.nowMs },
      settleMs: 5,
    });
  }

  rotate(authority: KeyedCertificate): void {
    this.current = authority;
    this.bundlePem = authority.certPem.replaceAll('\r', '') + this.bundlePem;
  }

  async start(): Promise<void> {
    const first = await this.certificates.start((next) => {
      this.happened.push('leaf');
      this.served.push(next);
    });
    this.served.push(first);
  }

  private obtain() {
    if (this.isApiDown) throw new Error('the API server is down');
    return { current: this.current, bundlePem: this.bundlePem };
  }

  private ensure(pem: string): boolean {
    const hasChanged = pem !== this.written;
    this.written = pem;
    if (hasChanged) this.happened.push('bundle');
    return hasChanged;
  }
}

async function startWorld(): Promise<World> {
  const world = new World(await createAuthority(START_MS, 365 * DAY_MS));
  await world.start();
  return world;
}

void test('nothing is done while nothing is due', async (t) => {
  const world = await startWorld();
  world.nowMs += 3.9 * DAY_MS;
  await world.certificates.check();
  t.equal(world.served.length, 1);
  t.same(world.happened, ['bundle']);
});

void test('a leaf is renewed at two thirds of its life', async (t) => {
  const world = await startWorld();
  world.nowMs += 4.1 * DAY_MS;
  await world.certificates.check();
  t.equal(world.served.length, 2);
  t.ok((world.served[1]?.notAfterMs ?? 0) > (world.served[0]?.notAfterMs ?? 0));
});

void test('with a new authority the bundle comes first, then the leaf', async (t) => {
  const world = await startWorld();
  world.rotate(await createAuthority(START_MS, 365 * DAY_MS));
  await world.certificates.check();
  t.same(world.happened, ['bundle', 'bundle', 'leaf']);
});

void test('with the API server down the old leaf serves on', async (t) => {
  const world = await startWorld();
  world.isApiDown = true;
  world.nowMs += 4.1 * DAY_MS;
  await world.certificates.check();
  t.equal(world.served.length, 1);
  world.isApiDown = false;
  await world.certificates.check();
  t.equal(world.served.length, 2);
});

void test('checks at the same time are one check', async (t) => {
  const world = await startWorld();
  world.nowMs += 4.1 * DAY_MS;
  await Promise.all([1, 2, 3, 4].map(async () => await world.certificates.check()));
  t.equal(world.served.length, 2);
});
