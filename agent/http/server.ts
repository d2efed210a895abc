// The agent's read-only HTTP face. Nothing here changes anything, but /prestop, which only tells
// the agent what the API server is about to tell it: that this pod ends.

import type { ServerResponse } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import { Joined } from './joined.ts';
import { pageRoutes } from './page.ts';
import { PageStreams } from '../../src/page-streams.ts';
import type { GroupView } from '../../src/group-view.ts';
import type { State } from '../../src/state.ts';
import type { AgentReport } from '../../src/wire.ts';

const STREAMS_MAX = 128;
/** Unsent bytes after which a slow reader is dropped. */
const BACKLOG_MAX_BYTES = 256 * 1024;
/** Streams of peers, probes and people; more would be a mistake of somebody's, and cost memory. */
const CONNECTIONS_MAX = 512;
/** Who says nothing for so long takes a connection away from others. */
const REQUEST_MS = 5000;
const STALE_LOOK_MS = 1000;
/** Each asks the API server. */
const PRESTOP_GAP_MS = 200;

export type HttpSource = {
  readonly report: () => AgentReport;
  /** The whole group, as this agent sees it. */
  readonly view: () => GroupView;
  /** Why this instance is not healthy, or null. */
  readonly unhealthiness: () => string | null;
  /** Why this pod should not count as ready, or null. */
  readonly unreadiness: () => string | null;
  /** Resolves when a successor is master, or nothing can be handed over. */
  readonly prestop: () => Promise<string>;
  /** For Prometheus. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
};

function lineOf(report: AgentReport, hasPeers: boolean): string {
  return `${JSON.stringify(hasPeers ? report : { ...report, peers: [] })}\n`;
}

export class HttpServer {
  readonly #app: FastifyInstance;
  readonly #source: HttpSource;
  readonly #prestop: Joined<string>;
  readonly #pages: PageStreams;
  /** And whether the reader wants the peers of a report: those of a peer do not interest its peers. */
  readonly #streams = new Map<ServerResponse, boolean>();

  constructor(source: HttpSource) {
    this.#source = source;
    this.#app = fastify({
      logger: false,
      bodyLimit: 1024,
      forceCloseConnections: true,
      requestTimeout: REQUEST_MS,
      http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: STALE_LOOK_MS },
    });
    this.#prestop = new Joined(source.prestop, PRESTOP_GAP_MS);
    this.#app.server.maxConnections = CONNECTIONS_MAX;
    this.#pages = new PageStreams(source.view, () => performance.now());
    this.#routes();
  }

  async listen(host: string, port: number): Promise<void> {
    await this.#app.listen({ host, port });
  }

  /** Sends the report to every stream. */
  publish(report: AgentReport): void {
    this.#pages.offer();
    if (this.#streams.size === 0) return;
    const lines = new Map<boolean, string>();
    for (const [stream, hasPeers] of this.#streams) {
      const line = lines.get(hasPeers) ?? lineOf(report, hasPeers);
      lines.set(hasPeers, line);
      if (stream.writableLength > BACKLOG_MAX_BYTES) stream.destroy();
      else stream.write(line);
    }
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.keys()) stream.end();
    this.#pages.close();
    await this.#app.close();
  }

  #routes(): void {
    const app = this.#app;
    const source = this.#source;
    app.get<{ Querystring: { watch?: string; peers?: string } }>('/state', (request, reply) => {
      if (request.query.watch !== 'true') {
        // For people, too: one field per line.
        const body: State = { ...source.report(), view: source.view() };
        return reply.type('application/json').send(`${JSON.stringify(body, null, 2)}\n`);
      }
      if (this.#streams.size >= STREAMS_MAX) {
        return reply.code(503).send({ error: `more than ${STREAMS_MAX} streams` });
      }
      const stream = reply.raw;
      const isPipelined = [...this.#streams.keys()].some(
        ({ req }) => req.socket === stream.req.socket,
      );
      if (isPipelined) return reply.code(429).send({ error: 'one stream for each connection' });
      reply.hijack();
      stream.writeHead(200, {
        'content-type': 'application/x-ndjson',
        'cache-control': 'no-store',
      });
      const hasPeers = request.query.peers !== 'false';
      this.#streams.set(stream, hasPeers);
      stream.on('close', () => this.#streams.delete(stream));
      stream.on('error', () => this.#streams.delete(stream));
      stream.write(lineOf(source.report(), hasPeers));
      return reply;
    });
    pageRoutes(app, this.#pages);
    app.get('/health', (_request, reply) => {
      const reason = source.unhealthiness();
      return reply.code(reason === null ? 200 : 503).send({ healthy: reason === null, reason });
    });
    app.get('/live', () => ({ live: true }));
    app.get('/ready', (_request, reply) => {
      const reason = source.unreadiness();
      return reply.code(reason === null ? 200 : 503).send({ ready: reason === null, reason });
    });
    app.get('/metrics', async (_request, reply) => {
      const { type, text } = await source.metrics();
      return reply.type(type).send(text);
    });
    app.get('/prestop', async () => ({ outcome: await this.#prestop.ask() }));
  }
}
