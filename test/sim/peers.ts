// The agents' streams to each other: one connection per peer, one report per message.

import type { PodView } from '../../agent/core/model.ts';
import { spread } from '../../agent/core/jitter.ts';
import type { AgentReport } from '../../src/wire.ts';
import type { SimNetwork } from './network.ts';
import type { Random, SimTimer, Socket } from './ports.ts';
import type { SimProcess } from './process.ts';

const SILENCE_MS = 2000;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 1000;
const STRANGER_MS = 5000;
const ASK_MS = 100;

type Parts = {
  readonly process: SimProcess;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly host: string;
  readonly onReport: (report: AgentReport) => void;
  readonly report: () => AgentReport;
};

type Stream = { readonly address: string; socket: Socket<never> | null; isOver: boolean };

export class SimPeers {
  readonly #parts: Parts;
  readonly #readers = new Set<Socket<AgentReport>>();
  readonly #streams = new Map<string, Stream>();
  /** Where somebody else's agent answered under a pod's address, and when. */
  readonly #strangers = new Map<string, number>();
  #listener: { close(): void } | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  listen(): void {
    const { network, host, process, report } = this.#parts;
    this.#listener = network.listen<never, AgentReport>(host, 'agent', (socket) => {
      process.run(() => {
        this.#readers.add(socket);
        socket.send(report());
      });
      const forget = (): void => {
        this.#readers.delete(socket);
      };
      return { onMessage: () => undefined, onClose: forget };
    });
  }

  publish(report: AgentReport): void {
    for (const reader of this.#readers) reader.send(report);
  }

  /** As the kernel ends what a dead process had open. */
  die(): void {
    this.#listener?.close();
    for (const reader of this.#readers) reader.reset();
    for (const { socket } of this.#streams.values()) socket?.reset();
  }

  follow(pods: readonly PodView[]): void {
    const wanted = new Map<string, string>();
    for (const { uid, ip, terminal } of pods) if (ip !== null && !terminal) wanted.set(uid, ip);
    for (const [uid, stream] of this.#streams) {
      if (wanted.get(uid) === stream.address) continue;
      stream.isOver = true;
      stream.socket?.close();
      this.#streams.delete(uid);
    }
    for (const uid of this.#strangers.keys()) if (!wanted.has(uid)) this.#strangers.delete(uid);
    for (const [uid, address] of wanted) {
      if (this.#streams.has(uid)) continue;
      const stream: Stream = { address, socket: null, isOver: false };
      this.#streams.set(uid, stream);
      this.#dial(uid, stream, 0);
    }
  }

  /** Asked only where the stream met another pod lately, as agent/peers/streams.ts has it. */
  isStranger(uid: string, address: string): Promise<boolean> {
    const { network, process, host } = this.#parts;
    const { world } = process;
    const metAt = this.#strangers.get(uid) ?? Number.NEGATIVE_INFINITY;
    if (world.now() - metAt > STRANGER_MS) return process.promise((resolve) => resolve(false));
    return process.promise((resolve) => {
      const end = (isStranger: boolean): void => {
        timer.cancel();
        socket.close();
        resolve(isStranger);
      };
      const timer = world.after(ASK_MS, () => end(false));
      const socket = network.connect<AgentReport, never>(host, address, 'agent', {
        onMessage: (report) => end(report.podUID !== uid),
        onClose: () => end(false),
      });
    });
  }

  #dial(uid: string, stream: Stream, failures: number): void {
    if (stream.isOver) return;
    const { network, process, host, onReport, random } = this.#parts;
    const { world } = process;
    let failed = failures;
    let silence: SimTimer;
    const again = (): void => {
      silence.cancel();
      stream.socket = null;
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failed + 1, 6));
      const waitMs = spread(backoffMs, random.real());
      world.after(waitMs, () => process.run(() => this.#dial(uid, stream, failed + 1)));
    };
    const hangUp = (): void => {
      stream.socket?.close();
      again();
    };
    const listen = (): SimTimer => world.after(SILENCE_MS, () => process.run(hangUp));
    silence = listen();
    stream.socket = network.connect<AgentReport, never>(host, stream.address, 'agent', {
      onMessage: (report) =>
        process.run(() => {
          if (stream.isOver) return;
          silence.cancel();
          silence = listen();
          failed = 0;
          // An old address may belong to somebody else by now.
          if (report.podUID !== uid) {
            this.#strangers.set(uid, world.now());
            return hangUp();
          }
          this.#strangers.delete(uid);
          onReport(report);
        }),
      onClose: () => process.run(again),
    });
  }
}
