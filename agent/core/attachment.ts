// How far this replica's stream from its master has come. "Link up" alone proves nothing: after a
// full sync Redis holds the stream back until the replica's next acknowledgement, up to a second
// away, whenever the first one arrives before the master reaped its snapshot's child process.

import type { AgentState, Attachment, Instance } from './model.ts';
import { podAt } from './view.ts';

/** A master that is ahead for so long while not a byte has come holds the stream back. */
const STREAM_WAIT_MS = 60;

export function attachmentTo(host: string): Attachment {
  return { host, linkUpAt: null, firstOffset: 0, lackingSince: null, caughtUp: false };
}

/** What the master told of itself last, or null where nobody knows. */
function upstreamOffset(state: AgentState, host: string): { offset: number; at: number } | null {
  const pod = podAt(state, host);
  if (pod === null) return null;
  const peer = state.peers.get(pod.uid);
  if (peer !== undefined) {
    return peer.report.offset === null ? null : { offset: peer.report.offset, at: peer.at };
  }
  const probe = state.unmanaged.get(pod.uid);
  return probe?.reachable === true ? { offset: probe.instance.offset, at: probe.seenAt } : null;
}

/** The attachment after one more look at the instance. */
export function progress(state: AgentState, attachment: Attachment, seen: Instance): Attachment {
  if (!seen.linkUp) return attachment;
  const linkUpAt = attachment.linkUpAt ?? state.now;
  const firstOffset = attachment.linkUpAt === null ? seen.offset : attachment.firstOffset;
  const master = upstreamOffset(state, attachment.host);
  const isLacking = seen.offset === firstOffset && master !== null && master.offset > seen.offset;
  return {
    ...attachment,
    linkUpAt,
    firstOffset,
    lackingSince: isLacking ? (attachment.lackingSince ?? state.now) : null,
    // What the master had after the link came up is here: so the stream runs, or nothing was written.
    caughtUp:
      attachment.caughtUp ||
      (master !== null && master.at > linkUpAt && seen.offset >= master.offset),
  };
}

/** Whether the master holds the stream back: another attachment gets it at once, by partial sync. */
export function isHeldBack(state: AgentState, { lackingSince }: Attachment): boolean {
  return lackingSince !== null && state.now - lackingSince >= STREAM_WAIT_MS;
}

/** Whether this replica has all that its master had when it last told of it. */
export function isInSync(state: AgentState, instance: Instance): boolean {
  return instance.linkUp && !instance.syncing && state.attachment?.caughtUp === true;
}
