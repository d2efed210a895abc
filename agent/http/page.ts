// The live page of the agent's own group: its files and its stream. It only reads, it knows no cookies, and another
// site's page may not read it (no CORS).

import type { FastifyInstance } from 'fastify';
import { PAGE_FILES, PAGE_HEADERS } from '../../src/page-files.ts';
import type { PageStreams } from '../../src/page-streams.ts';

export function pageRoutes(app: FastifyInstance, streams: PageStreams): void {
  // Relative, so that it is right behind the API server's proxy, too.
  app.get('/ui', (_request, reply) => reply.redirect('ui/', 308));
  for (const { name, type, body } of PAGE_FILES) {
    app.get(`/ui/${name}`, (_request, reply) => reply.headers(PAGE_HEADERS).type(type).send(body));
  }
  // A HEAD would hold a stream that nobody reads.
  app.get('/ui/events', { exposeHeadRoute: false }, (_request, reply) => {
    // It is written to directly, and has its own bound.
    if (!streams.add(reply.raw)) return reply.code(503).send({ error: 'too many open pages' });
    reply.hijack();
    return reply;
  });
}
