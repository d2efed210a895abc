// The server over TLS: certificates swap without a failed request, draining answers what comes.

import net from 'node:net';
import tls from 'node:tls';
import { test } from 'tap';
import { Agent, request } from 'undici';
import {
  createAuthority,
  issueLeaf,
  type KeyedCertificate,
} from '../../webhook/certs/authority.ts';
import type { ServingCertificate } from '../../webhook/certs/source.ts';
import { WebhookMetrics } from '../../webhook/metrics.ts';
import { WebhookServer } from '../../webhook/server.ts';
import { freePorts } from '../harness/free-ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

const HOUR_MS = 3_600_000;

async function certificate(authority: KeyedCertificate): Promise<ServingCertificate> {
  const leaf = await issueLeaf(authority, ['127.0.0.1'], Date.now(), HOUR_MS);
  return { ...leaf, notAfterMs: Date.now() + HOUR_MS };
}

async function startServer() {
  const authority = await createAuthority(Date.now(), HOUR_MS);
  const metrics = new WebhookMetrics();
  const decisions: string[] = [];
  const server = new WebhookServer({
    certificate: await certificate(authority),
    context: () => ({ core: CORE, namespaceFacts: () => NAMESPACE }),
    onOutcome: ({ decision }) => decisions.push(decision.kind),
    isReady: () => undefined,
    metrics,
  });
  const [httpsPort = 0, healthPort = 0] = await freePorts(2);
  await server.listen('127.0.0.1', httpsPort, healthPort);
  const https = `https://127.0.0.1:${httpsPort}`;
  const http = `http://127.0.0.1:${healthPort}`;
  return { server, authority, decisions, https, http };
}

const REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u1',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    namespace: 'shop',
    operation: 'CREATE',
    object: redisPod(),
  },
});

async function post(url: string, dispatcher: Agent, body = REVIEW) {
  const headers = { 'content-type': 'application/json' };
  return await request(`${url}/mutate?timeout=5s`, { method: 'POST', headers, body, dispatcher });
}

void test('certificates are swapped under load without a failed request', async (t) => {
  const { server, authority, https } = await startServer();
  const ca = authority.certPem;
  const kept = new Agent({ connect: { ca }, connections: 4 });
  const statuses: number[] = [];
  const load = { isOver: false };
  const client = async (isNew: boolean): Promise<void> => {
    while (!load.isOver) {
      const dispatcher = isNew ? new Agent({ connect: { ca } }) : kept;
      const { statusCode, body } = await post(https, dispatcher);
      await body.dump();
      statuses.push(statusCode);
      if (isNew) await dispatcher.close();
    }
  };
  const clients = Promise.all([client(true), client(true), client(false), client(false)]);
  for (let swap = 0; swap < 5; swap++) {
    server.useCertificate(await certificate(authority));
    // However busy the machine is: some requests meet each certificate.
    const met = statuses.length + 6;
    await waitFor('requests after the swap', () => statuses.length >= met, { timeoutMs: 20_000 });
  }
  load.isOver = true;
  await clients;
  t.ok(statuses.length > 20, `${statuses.length} requests`);
  t.ok(statuses.every((status) => status === 200));
  await kept.close();
  await server.drain(0);
});

void test('odd bodies get a 4xx, and the server lives on', async (t) => {
  const { server, authority, https, http, decisions } = await startServer();
  const dispatcher = new Agent({ connect: { ca: authority.certPem } });
  for (const body of ['', '{', 'null', '[]', '{"kind":"AdmissionReview"}']) {
    const answer = await post(https, dispatcher, body);
    await answer.body.dump();
    t.equal(answer.statusCode, 400, JSON.stringify(body));
  }
  const tooLong = await post(https, dispatcher, `"${'x'.repeat(5_000_000)}"`);
  await tooLong.body.dump();
  t.equal(tooLong.statusCode, 413);
  const big = { ...(JSON.parse(REVIEW) as object), padding: 'x'.repeat(3_000_000) };
  const answer = await post(https, dispatcher, JSON.stringify(big));
  t.equal(answer.statusCode, 200, 'three MiB are no problem');
  await answer.body.dump();
  t.same(decisions, ['inject']);
  const metrics = await (await fetch(`${http}/metrics`)).text();
  t.match(metrics, /reviews_total\{outcome="injected",reason=""\} 1/);
  await dispatcher.close();
  await server.drain(0);
});

void test('keys that name a prototype are keys like any other', async (t) => {
  const { server, authority, https, decisions } = await startServer();
  const dispatcher = new Agent({ connect: { ca: authority.certPem } });
  const odd = '{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}';
  const metadata = `"metadata":{"__proto__":${odd},`;
  const body = REVIEW.replace('"metadata":{', metadata).replace(
    '"spec":{',
    `"spec":{"__proto__":${odd},`,
  );
  t.ok(body.length > REVIEW.length + 2 * odd.length);
  const answer = await post(https, dispatcher, body);
  t.equal(answer.statusCode, 200);
  const { response } = (await answer.body.json()) as { response: { patch: string } };
  t.notMatch(Buffer.from(response.patch, 'base64').toString(), /polluted/);
  t.same(decisions, ['inject']);
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  await dispatcher.close();
  await server.drain(0);
});

/** Holds a connection open and sends a byte of a request now and then. */
function slowly(port: number, ca: string) {
  let [opened, closed] = [false, false];
  const socket = tls.connect({ port, host: '127.0.0.1', ca });
  socket.write('POST /mutate HTTP/1.1\r\nhost: x\r\n');
  const timer = setInterval(() => socket.write('x'), 500);
  socket.on('secureConnect', () => (opened = true));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    clearInterval(timer);
  });
  return { isOpen: () => opened, isClosed: () => closed, end: () => void socket.destroy() };
}

void test('slow requests and idle connections hold up no review, and are closed', async (t) => {
  const { server, authority, https } = await startServer();
  const port = Number(new URL(https).port);
  const slow = Array.from({ length: 100 }, () => slowly(port, authority.certPem));
  // They never say a word of TLS.
  const mute = Array.from({ length: 200 }, () => net.connect(port, '127.0.0.1'));
  for (const socket of mute) socket.on('error', () => undefined);
  await waitFor('they are there', () => slow.every(({ isOpen }) => isOpen()), {
    timeoutMs: 20_000,
  });
  const dispatcher = new Agent({ connect: { ca: authority.certPem } });
  const start = performance.now();
  const answer = await post(https, dispatcher);
  await answer.body.dump();
  t.equal(answer.statusCode, 200);
  t.ok(performance.now() - start < 2000, `${(performance.now() - start).toFixed(0)} ms`);
  await waitFor(
    'all of them are closed',
    () => slow.every(({ isClosed }) => isClosed()) && mute.every((socket) => socket.closed),
    { timeoutMs: 20_000, picture: () => `${slow.filter((each) => !each.isClosed()).length} open` },
  );
  for (const each of slow) each.end();
  await dispatcher.close();
  await server.drain(0);
});

/** Says that four MiB follow, and sends so many bytes of them. */
function largeBody(port: number, ca: string, bytes: number) {
  const head = 'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const socket = tls.connect({ port, host: '127.0.0.1', ca });
  let isSent = false;
  socket.on('error', () => undefined);
  socket.write(`${head}content-length: ${4 * 1024 * 1024}\r\n\r\n`);
  socket.write(`"${'x'.repeat(bytes)}`, () => (isSent = true));
  return { socket, isSent: () => isSent };
}

void test('announced and not sent: large bodies hold up nobody', async (t) => {
  const { server, authority, https } = await startServer();
  const port = Number(new URL(https).port);
  const ca = authority.certPem;
  const flood = Array.from({ length: 50 }, () => largeBody(port, ca, 10));
  await waitFor('they are there', () => flood.every(({ isSent }) => isSent()), {
    timeoutMs: 10_000,
  });
  const dispatcher = new Agent({ connect: { ca } });
  const answer = await post(https, dispatcher);
  await answer.body.dump();
  t.equal(answer.statusCode, 200);
  t.ok(
    flood.every(({ socket }) => !socket.closed),
    'and none of them had to go',
  );
  for (const { socket } of flood) socket.destroy();
  await dispatcher.close();
  await server.drain(0);
});

void test('large bodies one after the other are no flood, whatever the answers', async (t) => {
  const { server, authority, https } = await startServer();
  const dispatcher = new Agent({ connect: { ca: authority.certPem }, connections: 1 });
  const padding = 'x'.repeat(1_000_000);
  const right = JSON.stringify({ ...(JSON.parse(REVIEW) as object), padding });
  const bodies = [right, `{"kind":"${padding}"}`, `{"kind":"${padding}`, `"${padding.repeat(5)}"`];
  const statuses: number[] = [];
  // Sixty million bytes of those that are let in: more than twice the room.
  for (let round = 0; round < 20; round++) {
    for (const body of bodies) {
      const answer = await post(https, dispatcher, body);
      await answer.body.dump();
      statuses.push(answer.statusCode);
    }
  }
  t.same([...new Set(statuses)], [200, 400, 413]);
  t.equal(statuses.filter((status) => status === 200).length, 20);
  await dispatcher.close();
  await server.drain(0);
});

void test('more large bodies than there is room for: the oldest go, and reviews come through', async (t) => {
  const { server, authority, https } = await startServer();
  const port = Number(new URL(https).port);
  const ca = authority.certPem;
  const flood: ReturnType<typeof largeBody>[] = [];
  for (let count = 0; count < 12; count++) {
    const one = largeBody(port, ca, 4 * 1024 * 1024 - 2);
    flood.push(one);
    await waitFor('it is sent', one.isSent, { timeoutMs: 10_000 });
  }
  const closed = (): number => flood.filter(({ socket }) => socket.closed).length;
  await waitFor('half of them are dropped', () => closed() >= 6, {
    timeoutMs: 5000,
    picture: () => `${closed()} closed`,
  });
  t.ok(
    flood.slice(-4).every(({ socket }) => !socket.closed),
    'not the last ones',
  );
  const dispatcher = new Agent({ connect: { ca } });
  const big = JSON.stringify({ ...(JSON.parse(REVIEW) as object), padding: 'x'.repeat(3_000_000) });
  for (const body of [REVIEW, big]) {
    const answer = await post(https, dispatcher, body);
    await answer.body.dump();
    t.equal(answer.statusCode, 200, `${body.length} bytes`);
  }
  for (const { socket } of flood) socket.destroy();
  await dispatcher.close();
  await server.drain(0);
});

void test('while it drains it is not ready, but answers and asks to close', async (t) => {
  const { server, authority, https, http } = await startServer();
  const dispatcher = new Agent({ connect: { ca: authority.certPem } });
  t.equal((await fetch(`${http}/readyz`)).status, 200);
  const drained = server.drain(300);
  t.equal((await fetch(`${http}/readyz`)).status, 503);
  t.equal((await fetch(`${http}/healthz`)).status, 200);
  const answer = await post(https, dispatcher);
  await answer.body.dump();
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['connection'], 'close');
  await drained;
  await t.rejects(async () => await post(https, dispatcher));
  await dispatcher.close();
});
