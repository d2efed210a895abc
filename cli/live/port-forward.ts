// A connection to a port of a pod through the API server's port-forward: for whoever may do that and may not use
// its proxy.

import { Duplex, PassThrough, Writable } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';
import { formatDuration } from '../../src/duration.ts';
import { messageOf } from '../../src/errors.ts';
import type { AgentPlace } from './cluster.ts';

export type Opened =
  | { readonly ok: true; readonly stream: Duplex; readonly close: () => void }
  | { readonly ok: false; readonly status: number; readonly detail: string };

export async function openForward(
  config: KubeConfig,
  { namespace, pod, port }: AgentPlace,
  timeoutMs: number,
): Promise<Opened> {
  const [sent, received] = [new PassThrough(), new PassThrough()];
  const faults = new Writable({ write: (_chunk, _encoding, done) => done() });
  const opening = new PortForward(config).portForward(
    namespace,
    pod,
    [port],
    received,
    faults,
    sent,
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `no port-forward within ${formatDuration(timeoutMs)}`;
    timer = setTimeout(() => reject(new Error(why)), timeoutMs);
  });
  try {
    const socket = await Promise.race([opening, late]);
    const close = (): void => {
      if ('close' in socket) socket.close();
      sent.destroy();
      received.destroy();
    };
    return { ok: true, stream: Duplex.from({ writable: sent, readable: received }), close };
  } catch (error) {
    // One that opens after all is not left open.
    opening.then(
      (socket) => 'close' in socket && socket.close(),
      () => undefined,
    );
    const detail = whyOf(error);
    const status = Number(/Unexpected server response: (\d+)/.exec(detail)?.[1] ?? 0);
    return { ok: false, status, detail };
  } finally {
    clearTimeout(timer);
  }
}

/** The library throws events of its WebSocket, which are no errors and have a message. */
function whyOf(thrown: unknown): string {
  const message: unknown =
    typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'message') : undefined;
  if (typeof message === 'string' && message !== '') return message;
  return thrown instanceof Error ? messageOf(thrown) : 'the port-forward was refused';
}
