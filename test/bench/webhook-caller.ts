// Calls a webhook as the API server does: over TLS, on connections that are kept, with the authority of
// its caBundle. HTTP/1.1, which all that are compared speak.

import type { TLSSocket } from 'node:tls';
import { buildConnector, Client } from 'undici';

export type Target = { readonly url: string; readonly caPem: string };

export type Called = { readonly status: number; readonly text: string; readonly ms: number };

/** The API server asks for the Service's name, and servers choose their certificate by it. */
export const SERVER_NAME = 'webhook.bench.svc';
const TIMEOUT_MS = 10_000;

/** One connection. */
export class Caller {
  /** Serial number of the certificate that the connection was opened with. */
  serial: string | undefined;
  private readonly client: Client;
  private readonly path: string;

  constructor({ url, caPem }: Target) {
    const { origin, pathname } = new URL(url);
    this.path = pathname;
    // Without sessions every connection is shown the certificate of its own time.
    const connect = buildConnector({
      ca: caPem,
      servername: SERVER_NAME,
      maxCachedSessions: 0,
      timeout: TIMEOUT_MS,
    });
    this.client = new Client(origin, {
      pipelining: 1,
      keepAliveTimeout: 60_000,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      connect: (options, callback) => {
        connect(options, (...[error, socket]) => {
          if (error !== null) return callback(error, null);
          this.serial = (socket as TLSSocket).getPeerX509Certificate()?.serialNumber;
          return callback(null, socket);
        });
      },
    });
  }

  async call(body: Buffer): Promise<Called> {
    const start = performance.now();
    const { statusCode, body: answer } = await this.client.request({
      method: 'POST',
      path: this.path,
      headers: { 'content-type': 'application/json' },
      body,
    });
    const text = await answer.text();
    return { status: statusCode, text, ms: performance.now() - start };
  }

  async close(): Promise<void> {
    await this.client.destroy();
  }
}
