// The real webhook among connections that only want to hold it up, while the API server calls it: every review is
// answered in time, and the process stays within the memory of its container.

import net from 'node:net';
import tls from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { t as file, test } from 'tap';
import { memoryOf } from '../bench/process-cost.ts';
import { waitFor } from '../harness/wait-for.ts';
import { ReviewLoad } from './review-load.ts';
import { openWebhookStage, startWebhook, webhookReady } from './webhook-setup.ts';

/** The largest that is let in (webhook/server.ts). */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const HELD_MS = 2000;
/** Whoever was closed is back after this: some thousand connections in a second. */
const AGAIN_MS = 200;
/** What the API server waits for an answer (manifests/base/webhook-configuration.yaml). */
const TIMEOUT_MS = 5000;
/** What the container may have (manifests/base/deployment.yaml). */
const LIMIT_MIB = 256;

const { controlPlane, httpsPort } = await openWebhookStage(file);
const webhook = await startWebhook(controlPlane, httpsPort);
await webhookReady(webhook);
const load = new ReviewLoad(controlPlane);
await load.prepare();
const tcp = (port: number): net.Socket => net.connect(port, '127.0.0.1');
const secure = (): net.Socket =>
  tls.connect({ port: httpsPort, host: '127.0.0.1', rejectUnauthorized: false });

/** So many connections at any time: one that was closed comes again. */
class Flood {
  private readonly sockets = new Set<net.Socket>();
  private readonly open: () => net.Socket;
  private isOver = false;
  opened = 0;

  constructor(count: number, open: () => net.Socket) {
    this.open = open;
    for (let each = 0; each < count; each++) this.next();
  }

  private next(): void {
    const socket = this.open();
    this.opened++;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (!this.isOver) setTimeout(() => this.isOver || this.next(), AGAIN_MS);
    });
  }

  get size(): number {
    return this.sockets.size;
  }

  end(): void {
    this.isOver = true;
    for (const socket of this.sockets) socket.destroy();
  }
}

/** As a kubelet asks: each time on a connection of its own. */
async function isAlive(): Promise<boolean> {
  const url = `http://127.0.0.1:${webhook.healthPort}/healthz`;
  return (await fetch(url, { headers: { connection: 'close' } })).ok;
}

const POST = 'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

/** A few bytes now and then, for ever. */
function dribble(socket: net.Socket, start: string, more: string): net.Socket {
  socket.write(start);
  const timer = setInterval(() => socket.write(more), 300);
  socket.once('close', () => clearInterval(timer));
  return socket;
}

const FLOODS: Readonly<Record<string, () => Flood>> = {
  'more connections than there is room for, which never say a word': () =>
    new Flood(2500, () => tcp(httpsPort)),
  'the same on the port of health': () => new Flood(500, () => tcp(webhook.healthPort)),
  'requests whose headers never end': () =>
    new Flood(200, () => dribble(secure(), POST, 'x-more: x\r\n')),
  'large bodies that are announced and never come': () =>
    new Flood(100, () =>
      dribble(secure(), `${POST}content-length: ${BODY_BYTES_MAX}\r\n\r\n[`, '1,'),
    ),
  'large bodies that come, but never end': () =>
    new Flood(12, () => {
      const socket = secure();
      socket.write(`${POST}content-length: ${BODY_BYTES_MAX}\r\n\r\n"${'x'.repeat(3_900_000)}`);
      return socket;
    }),
  'handshakes without end': () =>
    new Flood(10, () => {
      const socket = secure();
      return socket.once('secureConnect', () => socket.destroy());
    }),
};

// They are there before the API server has a connection of its own.
for (const [what, start] of Object.entries(FLOODS)) {
  void test(`a flood: ${what}`, async (t) => {
    const flood = start();
    t.teardown(() => flood.end());
    await waitFor('it has begun', () => flood.opened > 0 && flood.size > 0, { timeoutMs: 5000 });
    await delay(300);
    load.failures.length = 0;
    load.requests = 0;
    let slowestMs = 0;
    let before = performance.now();
    await load.start([httpsPort, httpsPort]);
    t.ok(performance.now() - before < TIMEOUT_MS, 'the first review is answered in time');
    before = performance.now();
    await load.during(delay(HELD_MS), async () => {
      slowestMs = Math.max(slowestMs, performance.now() - before);
      t.ok(await isAlive(), 'the kubelet is answered');
      before = performance.now();
    });
    const usedMiB = memoryOf(webhook.process.pid).rss_MiB;
    t.comment(`${flood.size} open of ${flood.opened}, ${load.requests} pods`);
    t.comment(`slowest pair ${slowestMs.toFixed(0)} ms, ${usedMiB.toFixed(0)} MiB`);
    flood.end();
    t.same(load.failures, []);
    t.ok(slowestMs < TIMEOUT_MS);
    t.ok(usedMiB < LIMIT_MIB, `${usedMiB.toFixed(0)} MiB`);
    t.ok(webhook.process.isRunning);
  });
}
