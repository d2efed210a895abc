// Stands between one pod's agent and the API server, with the API server's own certificate, and does
// on request what a sick one does: hangs, refuses, answers an error, or loses the answer of a write
// that did happen. Per verb, resource and name.

import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { AgentAccount } from './agent-account.ts';
import type { ControlPlane } from './control-plane.ts';
import { writeKubeconfig } from './kubeconfig.ts';

type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
export type Resource = 'pods' | 'leases' | 'services' | 'persistentvolumeclaims';

type Behaviour =
  /** No answer, ever. */
  | 'hang'
  /** The connection is cut before the request is passed on. */
  | 'reset'
  /** The request is passed on and does its work; the connection is cut in place of the answer. */
  | 'swallow'
  | { readonly status: number }
  | { readonly delayMs: number };

type Trouble = {
  readonly verbs?: readonly Verb[];
  readonly resource?: Resource;
  /** Name of the object. */
  readonly name?: string;
  readonly behaviour: Behaviour;
  /** So many requests; by default all until the end. */
  readonly times?: number;
};

/** One trouble that was ordered: how often it struck, and its end. */
export type Ordered = { hits: number; end: () => void };

type Asked = { readonly verb: Verb; readonly resource: string; readonly name: string };

const WRITES: Readonly<Record<string, Verb>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function askedOf(method: string, url: string): Asked {
  const { pathname, searchParams } = new URL(url, 'https://api');
  const [, , resource = '', name = ''] = /\/namespaces\/([^/]+)\/([a-z]+)(?:\/([^/]+))?/.exec(
    pathname,
  ) ?? ['', '', '', ''];
  const read = searchParams.get('watch') === 'true' ? 'watch' : name === '' ? 'list' : 'get';
  return { verb: WRITES[method] ?? read, resource, name };
}

function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const hopByHop = new Set(['connection', 'host', 'keep-alive', 'transfer-encoding']);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      hopByHop.has(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  );
}

export class ApiProxy {
  readonly kubeconfig: string;
  private readonly server: Server;
  private readonly origin: string;
  private readonly upstream: Agent;
  private readonly troubles: { trouble: Trouble; ordered: Ordered }[] = [];
  private readonly watches = new Map<ServerResponse, string>();
  private readonly muted = new Set<string>();

  private constructor(controlPlane: ControlPlane, kubeconfig: string) {
    const { certPem, keyPem } = controlPlane.certificate;
    this.kubeconfig = kubeconfig;
    this.origin = controlPlane.url;
    this.upstream = new Agent({ connect: { ca: controlPlane.caPem }, bodyTimeout: 0 });
    this.server = createServer({ cert: certPem, key: keyPem }, (req, res) => {
      // Whatever breaks on the way is a broken connection for the agent.
      this.handle(req, res).catch(() => res.destroy());
    });
  }

  static async start(controlPlane: ControlPlane, account: AgentAccount): Promise<ApiProxy> {
    const name = `proxy-${randomBytes(4).toString('hex')}.kubeconfig`;
    const proxy = new ApiProxy(controlPlane, join(controlPlane.workspace.directory, name));
    const host = new URL(controlPlane.url).hostname;
    await new Promise<void>((resolve) => {
      proxy.server.listen({ host, port: 0 }, resolve);
    });
    const { port } = proxy.server.address() as AddressInfo;
    writeKubeconfig(proxy.kubeconfig, { ...account.access, url: `https://${host}:${port}` });
    controlPlane.workspace.atEnd(async () => await proxy.close());
    return proxy;
  }

  /** From now on, until its end. A later order goes before an earlier one. */
  order(trouble: Trouble): Ordered {
    const ordered: Ordered = {
      hits: 0,
      end: () => {
        const index = this.troubles.findIndex((each) => each.ordered === ordered);
        if (index >= 0) this.troubles.splice(index, 1);
      },
    };
    this.troubles.unshift({ trouble, ordered });
    return ordered;
  }

  /** Open watches stay open and tell nothing, as behind a cut link. */
  mute(resource: Resource): void {
    this.muted.add(resource);
  }

  /** Muted watches are broken as well: what they kept back is lost. */
  unmute(resource: Resource): void {
    this.muted.delete(resource);
    this.breakWatches(resource);
  }

  breakWatches(resource: Resource): void {
    for (const [response, watched] of this.watches) if (watched === resource) response.destroy();
  }

  calm(): void {
    this.troubles.length = 0;
    for (const resource of this.muted) this.unmute(resource as Resource);
  }

  private behaviourFor(asked: Asked): Behaviour | undefined {
    const found = this.troubles.find(
      ({ trouble: { verbs, resource, name, times }, ordered }) =>
        (verbs === undefined || verbs.includes(asked.verb)) &&
        (resource === undefined || resource === asked.resource) &&
        (name === undefined || name === asked.name) &&
        (times === undefined || ordered.hits < times),
    );
    if (found !== undefined) found.ordered.hits++;
    return found?.trouble.behaviour;
  }

  private async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const method = req.method ?? 'GET';
    const url = req.url ?? '/';
    const asked = askedOf(method, url);
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const behaviour = this.behaviourFor(asked);
    if (behaviour === 'hang') return;
    if (behaviour === 'reset') return void res.destroy();
    if (typeof behaviour === 'object' && 'status' in behaviour) {
      const { status } = behaviour;
      res.writeHead(status, { 'content-type': 'application/json' });
      const message = `the test's proxy answers ${status} to ${asked.verb} ${asked.resource}`;
      res.end(JSON.stringify({ kind: 'Status', status: 'Failure', code: status, message }));
      return;
    }
    if (typeof behaviour === 'object') await pause(behaviour.delayMs);
    const answer = await request(`${this.origin}${url}`, {
      method: method as 'GET',
      dispatcher: this.upstream,
      headers: passedOn(req.headers),
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    });
    if (behaviour === 'swallow') {
      await answer.body.dump();
      res.destroy();
      return;
    }
    res.writeHead(answer.statusCode, passedOn(answer.headers));
    res.flushHeaders();
    if (asked.verb === 'watch') {
      this.watches.set(res, asked.resource);
      res.once('close', () => {
        this.watches.delete(res);
        answer.body.destroy();
      });
    }
    for await (const chunk of answer.body) {
      if (asked.verb !== 'watch' || !this.muted.has(asked.resource)) res.write(chunk);
    }
    res.end();
  }

  private async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await this.upstream.destroy();
  }
}
