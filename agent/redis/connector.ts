// The socket under each connection to Redis. ioredis hears the first error of a socket only; TLS can tell
// of two (a certificate that is rejected, then the server's alert), and one that nobody hears ends the
// process: https://github.com/redis/ioredis/pull/961.

import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type StandaloneConnectionOptions } from 'ioredis';

/** What connectionOptions always gives. */
type KnownOptions = StandaloneConnectionOptions & {
  readonly port: number;
  readonly disconnectTimeout: number;
};

/** Given to ioredis as `Connector`, which hands it the options of the connection. */
export class HeardConnector extends AbstractConnector {
  readonly #options: KnownOptions;

  constructor(options: unknown) {
    const known = options as KnownOptions;
    super(known.disconnectTimeout);
    this.#options = known;
  }

  connect(): Promise<Socket> {
    const { host, port, tls } = this.#options;
    this.connecting = true;
    const address = host === undefined ? { port } : { host, port };
    const stream =
      tls === undefined ? createConnection(address) : connectTls({ ...address, ...tls });
    stream.on('error', (error) => {
      this.firstError ??= error;
    });
    this.stream = stream;
    return Promise.resolve(stream);
  }
}
