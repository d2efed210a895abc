// The end of an agent: hands over first where its pod ends, and leaves at once where only the
// agent is replaced (its successor resumes the Lease).

import type { Log } from '../src/log.ts';
import type { Clock } from './clock.ts';
import { leaseOf, recordOf, selfPod } from './core/view.ts';
import type { PodsAdapter } from './kube/pods.ts';
import type { Runtime } from './runtime.ts';

const POLL_MS = 5;
/** The kubelet kills at the end of the grace period: be done before. */
const MARGIN_MS = 2000;

export type ShutdownParts = {
  readonly runtime: Runtime;
  readonly pods: PodsAdapter;
  readonly clock: Clock;
  readonly log: Log;
  readonly podName: string;
  readonly podUid: string;
  readonly graceMs: number;
};

/** Whether the API server says that this pod ends: a request alone is no proof. */
async function isEnding(parts: ShutdownParts): Promise<boolean> {
  if (selfPod(parts.runtime.state)?.leaving === true) return true;
  const READ_TIMEOUT_MS = 1000;
  const read = await parts.pods.read(parts.podName, READ_TIMEOUT_MS);
  if (!read.ok) return read.status === 404;
  const { uid, deletionTimestamp } = read.body.metadata ?? {};
  return uid !== parts.podUid || deletionTimestamp !== undefined;
}

/** Done: a successor's replication id is recorded, or this pod held nothing (rule 5). */
function isHandedOver(runtime: Runtime): boolean {
  const { state } = runtime;
  const lease = leaseOf(state);
  if (lease?.holder == null) return true;
  if (lease.holder.uid === state.config.self.uid) return false;
  return recordOf(state).lineage.at(-1)?.term === lease.term;
}

async function handOver(parts: ShutdownParts, isDone: () => boolean): Promise<boolean> {
  const { runtime, clock, graceMs } = parts;
  runtime.dispatch({ kind: 'terminate' });
  const deadline = clock.now() + Math.max(graceMs - MARGIN_MS, MARGIN_MS / 2);
  while (!isDone()) {
    if (clock.now() >= deadline) return false;
    await clock.sleep(POLL_MS);
  }
  return true;
}

/** Answers the kubelet's preStop; changes nothing unless the pod really ends. */
export async function prestop(parts: ShutdownParts): Promise<string> {
  if (!(await isEnding(parts))) {
    parts.log.warn('preStop was asked for, but this pod does not end: nothing changed');
    return 'this pod does not end';
  }
  const { runtime } = parts;
  const hasNoPeer = (): boolean => runtime.state.peers.size === 0;
  const isDone = await handOver(parts, () => isHandedOver(runtime) || hasNoPeer());
  return isDone ? 'done' : 'timed out';
}

/** SIGTERM: resolves when the process may end. */
export async function terminate(parts: ShutdownParts): Promise<void> {
  const { runtime, log } = parts;
  if (!(await isEnding(parts))) {
    log.info('terminating: the pod stays, a new agent resumes its role');
    return;
  }
  log.info('terminating with the pod');
  // Without a successor the Lease is released once Redis is gone.
  await handOver(parts, () => isHandedOver(runtime));
  // Let a preStop that waits for the same be answered.
  await parts.clock.sleep(POLL_MS * 4);
}
