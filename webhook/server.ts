// The HTTPS server of /mutate and the plain one of health and metrics. Certificates are swapped
// without a dropped handshake; on SIGTERM the API server's idle connections are told to close.

import type { Server as HttpsServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { type FastifyInstance, fastify } from 'fastify';
import { BodyBudget } from './body-budget.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { ServingCertificate } from './certs/source.ts';
import type { WebhookMetrics } from './metrics.ts';
import { type Outcome, type ReviewContext, review } from './review.ts';

/** The API server keeps an idle connection for 90 s: closing earlier loses a request. */
const KEEP_ALIVE_MS = 95_000;
/** The API server sends a review at once, and waits for at most 30 s: slower ones are no reviews. */
const REQUEST_MS = 10_000;
const HANDSHAKE_MS = 10_000;
const STALE_LOOK_MS = 1000;
/** An API server keeps a few connections open; a flood must not eat all memory. */
const CONNECTIONS_MAX = 1000;
/** Probes and scrapes. */
const HEALTH_CONNECTIONS_MAX = 200;
/** etcd holds objects of 1.5 MiB; a review may hold the object twice. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Six of the largest: each costs several times its size while it is read. */
const BODIES_BYTES_MAX = 6 * BODY_BYTES_MAX;
/** So much on every connection is no harm, and nearly all reviews are smaller. */
const SMALL_BYTES_MAX = 64 * 1024;

export type WebhookServerParts = {
  readonly certificate: ServingCertificate;
  readonly context: () => ReviewContext;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly isReady: () => string | undefined;
  readonly metrics: WebhookMetrics;
};

export class WebhookServer {
  private readonly https: FastifyInstance<HttpsServer>;
  private readonly http: FastifyInstance;
  private readonly parts: WebhookServerParts;
  private readonly connections = new ConnectionLimit(CONNECTIONS_MAX);
  private isDraining = false;

  constructor(parts: WebhookServerParts) {
    this.parts = parts;
    const shared = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: REQUEST_MS,
      http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: STALE_LOOK_MS },
      bodyLimit: BODY_BYTES_MAX,
      // JSON.parse makes `__proto__` a key like any other, and nothing here copies keys by assignment: the
      // search for it would read every body twice more.
      onProtoPoisoning: 'ignore',
      onConstructorPoisoning: 'ignore',
      // A request that comes while we close is answered: the API server would fail the pod.
      return503OnClosing: false,
      forceCloseConnections: 'idle',
    } as const;
    const { certPem, keyPem } = parts.certificate;
    this.https = fastify({
      ...shared,
      https: {
        cert: certPem,
        key: keyPem,
        minVersion: 'TLSv1.2',
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: REQUEST_MS,
        connectionsCheckingInterval: STALE_LOOK_MS,
      },
    });
    this.connections.watch(this.https.server);
    this.http = fastify(shared) as unknown as FastifyInstance;
    new ConnectionLimit(HEALTH_CONNECTIONS_MAX).watch(this.http.server);
    this.routeMutate();
    this.routeHealth(this.https as unknown as FastifyInstance);
    this.routeHealth(this.http);
    this.routeMetrics();
  }

  async listen(host: string, httpsPort: number, healthPort: number): Promise<void> {
    await this.http.listen({ host, port: healthPort });
    await this.https.listen({ host, port: httpsPort });
  }

  /** New handshakes get the new certificate; connections that exist live on. */
  useCertificate(certificate: ServingCertificate): void {
    const { certPem: cert, keyPem: key } = certificate;
    this.https.server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  }

  /** Fails readiness, waits until no new connection is routed here, then closes. */
  async drain(delayMs: number): Promise<void> {
    this.isDraining = true;
    await delay(delayMs);
    await Promise.all([this.https.close(), this.http.close()]);
  }

  private routeMutate(): void {
    const { metrics } = this.parts;
    // Without promises, each of which costs a review a turn of its own.
    this.https.addHook('onSend', (_request, reply, payload, done) => {
      if (this.isDraining) reply.header('connection', 'close');
      done(null, payload);
    });
    const budget = new BodyBudget(BODIES_BYTES_MAX);
    // By callback: what comes before the parser listens would be lost to it.
    this.https.addHook('preParsing', (request, reply, payload, done) => {
      const length = Number(request.headers['content-length'] ?? Number.NaN);
      if (!(length <= SMALL_BYTES_MAX)) {
        const share = budget.enter(() => request.raw.destroy());
        payload.on('data', (bytes: Uint8Array) => share.add(bytes.length));
        reply.raw.once('close', share.leave);
      }
      done(null, payload);
    });
    this.https.post('/mutate', (request, reply) => {
      const beganAt = performance.now();
      const result = review(request.body, this.parts.context());
      const ms = performance.now() - beganAt;
      if (!result.ok) {
        metrics.failed('unreadable', ms);
        reply.code(400).send({ error: result.message });
        return;
      }
      this.connections.asked(request.raw.socket);
      if (result.outcome !== undefined) {
        metrics.reviewed(result.outcome.decision, ms);
        this.parts.onOutcome(result.outcome);
      } else if (!result.answer.response.allowed) metrics.failed('failed', ms);
      reply.send(result.answer);
    });
  }

  private routeHealth(app: FastifyInstance): void {
    app.get('/healthz', async () => ({ status: 'ok' }));
    app.get('/readyz', async (_request, reply) => {
      const why = this.isDraining ? 'shutting down' : this.parts.isReady();
      return await reply.code(why === undefined ? 200 : 503).send({ status: why ?? 'ok' });
    });
  }

  private routeMetrics(): void {
    this.http.get('/metrics', async (_request, reply) => {
      const { registry } = this.parts.metrics;
      return await reply.type(registry.contentType).send(await registry.metrics());
    });
  }
}
