// The life of the webhook's certificates on a real API server, by real processes: who is first, whose clock is
// wrong, whose Secret is gone. Nowhere is a pod refused, and nobody writes against anybody.

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { t as file, test } from 'tap';
import {
  createAuthority,
  issueLeaf,
  type KeyedCertificate,
  validityOf,
} from '../../webhook/certs/authority.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { freePorts } from '../harness/free-ports.ts';
import { MountedSecret } from '../harness/mounted-secret.ts';
import { RedisClocks } from '../harness/redis-clock.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { countWrites } from './count-writes.ts';
import { ReviewLoad } from './review-load.ts';
import {
  applyBase,
  CA_SECRET,
  CONFIGURATION,
  startWebhook,
  type WebhookProcess,
  webhookReady,
} from './webhook-setup.ts';

const [SECRETS, SECRET_NAME] = splitPath(CA_SECRET);
const [CONFIGURATIONS, CONFIGURATION_NAME] = splitPath(CONFIGURATION);
const HOUR_S = 3600;
const YEAR_MS = 365 * 24 * HOUR_S * 1000;

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace, { controllerManager: true });
const { admin } = controlPlane;
const load = new ReviewLoad(controlPlane);
const [one = 0, two = 0] = await freePorts(2);
const ports = [one, two] as const;
applyBase(controlPlane, one);
const clocks = await RedisClocks.open(workspace.folder('clocks'));
const skip = typeof clocks === 'string' ? clocks : false;

type Secret = { readonly data: Readonly<Record<string, string>> };

function splitPath(path: string): readonly [string, string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, slash), path.slice(slash + 1)];
}

const secretWrites = async (work: () => Promise<unknown>): Promise<number> =>
  await countWrites(admin, SECRETS, SECRET_NAME, work);
const configurationWrites = async (work: () => Promise<unknown>): Promise<number> =>
  await countWrites(admin, CONFIGURATIONS, CONFIGURATION_NAME, work);

/** A change that is nobody's business makes every replica look at its certificates. */
async function lookAgain(): Promise<void> {
  const at = String(performance.now());
  await admin.patch(CONFIGURATION, { metadata: { annotations: { touched: at } } });
}

async function stopAll(replicas: readonly WebhookProcess[]): Promise<void> {
  await Promise.all(replicas.map(async ({ process }) => await process.stop()));
}

async function forget(): Promise<void> {
  await admin.delete(CA_SECRET);
}

void test('two replicas that start at once make one authority, and both are trusted', async (t) => {
  let replicas: readonly WebhookProcess[] = [];
  const writes = await secretWrites(async () => {
    replicas = await Promise.all(ports.map(async (port) => await startWebhook(controlPlane, port)));
    await Promise.all(replicas.map(webhookReady));
    await load.start(ports);
  });
  t.equal(writes, 1, 'the Secret was written once');
  await stopAll(replicas);
});

void test('the Secret is deleted while reviews come: made anew, and no pod is refused', async (t) => {
  const replicas = await Promise.all(
    ports.map(async (port) => await startWebhook(controlPlane, port)),
  );
  await Promise.all(replicas.map(webhookReady));
  await load.start(ports);
  load.failures.length = 0;
  load.requests = 0;
  const { data: before } = await admin.get<Secret>(CA_SECRET);
  const deleted = async (): Promise<void> => {
    await forget();
    const { data } = await waitFor('it is back', async () => await admin.find<Secret>(CA_SECRET), {
      timeoutMs: 5000,
    });
    t.not(data['ca.crt'], before['ca.crt'], 'another authority');
    // The old one is trusted on: replicas change to leaves of the new one a few seconds later.
    await delay(4500);
  };
  await load.during(deleted());
  t.comment(`${load.requests} pods`);
  t.same(load.failures, []);
  await stopAll(replicas);
});

const LIVES = ['--ca-lifetime=12h', '--cert-lifetime=6h'];
let shifted = 0;

/** A replica whose wall clock stands so many hours beside the true time. */
async function startShifted(port: number, hours: number) {
  if (typeof clocks === 'string') throw new Error(clocks);
  const name = `replica-${++shifted}`;
  const env = clocks.env(name);
  const set = (to: number): void => clocks.set(name, to * HOUR_S);
  set(hours);
  return { replica: await startWebhook(controlPlane, port, LIVES, { env }), set };
}

for (const hours of [-10, 10]) {
  const where = hours < 0 ? 'behind' : 'ahead';
  void test(`a clock ten hours ${where}: its certificates are as good as any`, {
    skip,
  }, async (t) => {
    await forget();
    const wrong = await startShifted(one, hours);
    await webhookReady(wrong.replica);
    const right = await startShifted(two, 0);
    await webhookReady(right.replica);
    await load.start(ports);
    load.failures.length = 0;
    const calm = async (): Promise<void> => {
      await lookAgain();
      await load.during(delay(800));
    };
    t.equal(await secretWrites(calm), 0, 'nobody writes the Secret');
    t.equal(await configurationWrites(calm), 1, 'nobody writes the caBundle');
    // The one that made the authority is set right, and the other one goes wrong while it runs.
    wrong.set(0);
    right.set(hours);
    t.equal(await secretWrites(calm), 0, 'nor when the clocks jump');
    t.equal(await configurationWrites(calm), 1);
    t.same(load.failures, []);
    await stopAll([wrong.replica, right.replica]);
  });
}

/** The layout of cert-manager's Secrets. */
async function issued(authority: KeyedCertificate, lifeHours: number) {
  const leaf = await issueLeaf(authority, ['127.0.0.1'], Date.now(), lifeHours * HOUR_S * 1000);
  return { 'tls.crt': leaf.certPem, 'tls.key': leaf.keyPem, 'ca.crt': authority.certPem };
}

async function servesUntil({ healthPort }: WebhookProcess): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  const leaf = /certificate_expiry_timestamp_seconds\{kind="leaf"\} ([0-9.e+]+)/;
  return Number(leaf.exec(text)?.[1]) * 1000;
}

void test("somebody else's files, swapped as a kubelet does it: no pod is refused", async (t) => {
  await forget();
  const authority = await createAuthority(Date.now(), 100 * HOUR_S * 1000);
  const first = await issued(authority, 10);
  const mounts = [1, 2].map((id) => new MountedSecret(workspace.folder(`mount-${id}`), first));
  const started = ports.map(async (port, index) => {
    const path = (name: string): string => mounts[index]?.path(name) ?? '';
    return await startWebhook(controlPlane, port, [
      `--tls-cert-file=${path('tls.crt')}`,
      `--tls-key-file=${path('tls.key')}`,
      `--tls-ca-file=${path('ca.crt')}`,
      // Files are looked at every second.
      '--cert-lifetime=6s',
    ]);
  });
  const replicas = await Promise.all(started);
  await Promise.all(replicas.map(webhookReady));
  await load.start(ports);
  load.failures.length = 0;
  load.requests = 0;
  const served = async (index: number, files: { readonly 'tls.crt': string }): Promise<void> => {
    mounts[index]?.update({ ...first, ...files });
    const end = validityOf(files['tls.crt']).notAfterMs;
    const replica = replicas[index];
    if (replica === undefined) throw new Error('there is no such replica');
    await waitFor(
      `replica ${index} serves the new certificate`,
      async () => (await servesUntil(replica)) === end,
      { timeoutMs: 10_000, picture: () => replica.process.tail() },
    );
  };
  const renewed = async (): Promise<void> => {
    const second = await issued(authority, 20);
    await Promise.all([served(0, second), served(1, second)]);
    // Another authority, which the second kubelet sees some seconds after the first.
    const third = await issued(await createAuthority(Date.now(), 100 * HOUR_S * 1000), 30);
    await served(0, third);
    await delay(2000);
    await served(1, third);
  };
  const writes = await configurationWrites(async () => await load.during(renewed()));
  t.comment(`${load.requests} pods, ${writes} writes`);
  t.same(load.failures, []);
  t.equal(writes, 1, 'the new authority is added to the bundle, and nobody takes it out again');
  t.equal(await admin.find(CA_SECRET), undefined, 'no authority of our own');
  await stopAll(replicas);
});

// A timer of more than 2^31 - 1 ms, 24.8 days, fires at once: a renewal that waits for its day by one would never end.
void test('certificates that live for decades are issued once', async (t) => {
  const lives = ['--ca-lifetime=876000h', '--cert-lifetime=438000h'];
  const one = await startWebhook(controlPlane, ports[0], lives);
  await webhookReady(one);
  await load.start([ports[0], ports[0]]);
  const calm = async (): Promise<void> => {
    for (let look = 0; look < 5; look++) {
      await lookAgain();
      await delay(200);
    }
  };
  t.equal(await secretWrites(calm), 0);
  const said = one.process.tail(1000);
  t.equal(said.split('a serving certificate was issued').length - 1, 1);
  t.notMatch(said, /TimeoutOverflowWarning/);
  const years = (validityOf(await servedBy(ports[0])).notAfterMs - Date.now()) / YEAR_MS;
  t.ok(years > 49, `${years.toFixed(1)} years`);
  await one.process.stop();
});

/** The leaf as a client sees it. */
async function servedBy(port: number): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).toString();
}
