// The pages of all groups on 127.0.0.1: the same files as every agent's, fed by looks through the API server.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../src/errors.ts';
import { PAGE_FILES, PAGE_HEADERS } from '../../src/page-files.ts';
import { wayOf } from './gate.ts';
import { GroupWatch } from './group-watch.ts';
import { listPage } from './list-page.ts';
import type { GroupsSource } from './source.ts';

const ADDRESS = '127.0.0.1';
const CONNECTIONS_MAX = 128;
/** Groups whose pages are open at once. */
const WATCHES_MAX = 64;

export class UiServer {
  readonly #source: GroupsSource;
  readonly #now: () => number;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #server: Server;
  readonly #watches = new Map<string, Promise<GroupWatch | null>>();

  constructor(source: GroupsSource, now: () => number) {
    this.#source = source;
    this.#now = now;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** The address to open; 0: any free port. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, ADDRESS, resolve);
    });
    return `http://${ADDRESS}:${this.#port}/${this.#token}/`;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches.values()) (await watch)?.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url } = request;
    const { host } = request.headers;
    const way = wayOf({ method, host, url }, { token: this.#token, port: this.#port });
    try {
      switch (way.kind) {
        case 'refused':
          send(response, way.status, 'text/plain; charset=utf-8', `${way.text}\n`);
          break;
        case 'moved':
          response.writeHead(308, { location: way.location }).end();
          break;
        case 'list': {
          const page = listPage(await this.#source.list());
          send(response, 200, 'text/html; charset=utf-8', page);
          break;
        }
        case 'file':
          sendFile(response, way.name);
          break;
        case 'events':
          await this.#stream(way.namespace, way.group, response);
          break;
      }
    } catch (error) {
      send(response, 502, 'text/plain; charset=utf-8', `${messageOf(error)}\n`);
    }
  }

  async #stream(namespace: string, group: string, response: ServerResponse): Promise<void> {
    const watch = await this.#watchOf(namespace, group);
    if (watch === null) {
      send(response, 404, 'text/plain; charset=utf-8', 'there is no such group\n');
    } else if (!watch.add(response)) {
      send(response, 503, 'text/plain; charset=utf-8', 'too many open pages\n');
    }
  }

  /** One for all pages of a group; a new one where nobody looked for a while. */
  async #watchOf(namespace: string, group: string): Promise<GroupWatch | null> {
    const name = `${namespace}/${group}`;
    const known = await this.#watches.get(name);
    if (known?.isWatched === true || known?.isFresh === true) return known;
    known?.close();
    this.#watches.delete(name);
    if (this.#watches.size >= WATCHES_MAX) await this.#forgetUnwatched();
    const look = (): ReturnType<GroupsSource['look']> => this.#source.look(namespace, group);
    const opening = GroupWatch.open({ look, now: this.#now });
    this.#watches.set(name, opening);
    // A failed look is no answer for the next one who asks.
    opening.catch(() => this.#watches.delete(name));
    return await opening;
  }

  async #forgetUnwatched(): Promise<void> {
    for (const [name, opening] of this.#watches) {
      const watch = await opening.catch(() => null);
      if (watch?.isWatched === true) continue;
      watch?.close();
      this.#watches.delete(name);
    }
    if (this.#watches.size >= WATCHES_MAX) throw new Error('the pages of too many groups are open');
  }
}

function sendFile(response: ServerResponse, name: string): void {
  const file = PAGE_FILES.find((each) => each.name === name);
  if (file === undefined) send(response, 404, 'text/plain; charset=utf-8', 'no such file\n');
  else send(response, 200, file.type, file.body);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) return void response.end();
  response.writeHead(status, { ...PAGE_HEADERS, 'content-type': type }).end(body);
}
