// Ports and loopback addresses that nobody else on this machine uses.

import { createServer, type Server } from 'node:net';
import type { Workspace } from './workspace.ts';

/** Pods of every test listen here, each on an address of its own, as in a cluster. */
export const REDIS_PORT = 6379;
export const AGENT_PORT = 8080;

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  return server;
}

/** Distinct free ports of 127.0.0.1: all are held until all are known. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let index = 0; index < count; index++) servers.push(await listen('127.0.0.1', 0));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * A network 127.A.B.0/24 for one test's pods. The claim is a listening socket on its last address,
 * so that it ends with this process, and two tests never share pod addresses.
 */
export class PodNetwork {
  readonly prefix: string;
  private next = 1;

  private constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** `range`: of A; what is not for pods of a network of their own stays out of its claims. */
  static async claim(
    workspace: Workspace,
    range: { readonly from: number; readonly to: number } = { from: 128, to: 240 },
  ): Promise<PodNetwork> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const pick = (from: number, to: number): number =>
        from + Math.floor(Math.random() * (to - from));
      const prefix = `127.${pick(range.from, range.to)}.${pick(1, 255)}`;
      try {
        const claim = await listen(`${prefix}.254`, REDIS_PORT);
        claim.unref();
        workspace.atEnd(() => void claim.close());
        return new PodNetwork(prefix);
      } catch {
        // Taken by another test: try the next.
      }
    }
    throw new Error('no loopback network is free; are old test processes still running?');
  }

  address(): string {
    if (this.next > 250) throw new Error('this test used more than 250 pod addresses');
    return `${this.prefix}.${this.next++}`;
  }
}
