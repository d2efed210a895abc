// A small client of the API server for tests. It shares no code with the product on purpose:
// what judges the agent must not repeat the agent's mistakes.

import { Agent, request } from 'undici';

export type Access = {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
};

export type WatchEvent<T> = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
};

type Listed = { readonly metadata?: { readonly resourceVersion?: string } };
export type KubeList<T> = { readonly items: T[] } & Listed;

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export class KubeError extends Error {
  readonly status: number;

  constructor(method: string, path: string, status: number, text: string) {
    super(`${method} ${path}: ${status} ${text.slice(0, 300)}`);
    this.name = 'KubeError';
    this.status = status;
  }
}

export class KubeClient {
  private readonly access: Access;
  private readonly agent: Agent;

  constructor(access: Access) {
    this.access = access;
    this.agent = new Agent({ connect: { ca: access.caPem }, keepAliveTimeout: 60_000 });
  }

  /** The answer's text; anything but success is a KubeError. */
  async text(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<string> {
    const response = await request(`${this.access.url}${path}`, {
      method,
      dispatcher: this.agent,
      headersTimeout: 5000,
      headers: {
        authorization: `Bearer ${this.access.token}`,
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new KubeError(method, path, response.statusCode, text);
    return text;
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.text('GET', path)) as T;
  }

  /** Undefined where the object is not there. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  async create<T>(path: string, body: unknown): Promise<T> {
    return JSON.parse(await this.text('POST', path, body)) as T;
  }

  async patch<T>(
    path: string,
    body: unknown,
    type: keyof typeof PATCH_TYPES = 'merge',
  ): Promise<T> {
    return JSON.parse(await this.text('PATCH', path, body, PATCH_TYPES[type])) as T;
  }

  async delete(path: string, body?: unknown): Promise<void> {
    await this.text('DELETE', path, body);
  }

  /** Streams changes after `resourceVersion` until the server ends it, it breaks, or `signal`. */
  async watch<T>(
    path: string,
    resourceVersion: string,
    onEvent: (event: WatchEvent<T>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const separator = path.includes('?') ? '&' : '?';
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`;
    const response = await request(`${this.access.url}${path}${separator}${query}`, {
      dispatcher: this.agent,
      headers: { authorization: `Bearer ${this.access.token}` },
      headersTimeout: 5000,
      bodyTimeout: 0,
      signal,
    });
    let pending = '';
    response.body.setEncoding('utf8');
    for await (const chunk of response.body) {
      const lines = `${pending}${String(chunk)}`.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) onEvent(JSON.parse(line) as WatchEvent<T>);
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}
