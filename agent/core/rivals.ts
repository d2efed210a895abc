// Second masters from the moment that they were told of to their end, which is told as well. Pure.

import type { AgentEvent, AgentState } from './model.ts';
import type { Notice } from './notice-table.ts';
import { leaseOf, localInstance } from './view.ts';

export type Rival = { readonly pod: string; readonly since: number };

export function rivalsAfter(
  known: ReadonlyMap<string, Rival>,
  now: readonly Notice[],
  event: AgentEvent,
  after: AgentState,
): { notices: readonly Notice[]; rivals: ReadonlyMap<string, Rival> } {
  const fresh = now.flatMap(({ rival }) => (rival === undefined ? [] : [rival]));
  if (known.size === 0 && fresh.length === 0) return { notices: [], rivals: known };
  const rivals = new Map(known);
  for (const { pod, uid } of fresh)
    if (!rivals.has(uid)) rivals.set(uid, { pod, since: after.now });
  const notices: Notice[] = [];
  for (const [uid, { pod, since }] of rivals) {
    const end = endOf(uid, event, after);
    if (end === null && isStillOurs(uid, after)) continue;
    rivals.delete(uid);
    // Who leads no more cannot tell what becomes of the other.
    if (end === null) continue;
    const { holder, term } = leaseOf(after) ?? {};
    const kept = holder?.pod ?? after.config.self.pod;
    const seconds = ((after.now - since) / 1000).toFixed(1);
    const note = `${kept} is kept, because the Lease names it for term ${term}: ${end} after ${seconds} s`;
    notices.push({ reason: 'SplitBrainResolved', note: note.replace('{pod}', pod) });
  }
  return { notices, rivals };
}

/** The holder watches the others, and a stray master itself. */
function isStillOurs(uid: string, after: AgentState): boolean {
  return after.phase === 'Leading' || uid === after.config.self.uid;
}

function endOf(uid: string, event: AgentEvent, after: AgentState): string | null {
  const isSelf = uid === after.config.self.uid;
  if (isSelf) {
    const role = localInstance(after)?.role;
    return role === 'replica' ? 'the Redis of {pod} takes no writes any more,' : null;
  }
  if (event.kind === 'remote-fenced' && event.uid === uid && event.isConfirmed) {
    return 'the Redis of {pod} was put into limbo from there,';
  }
  if (event.kind === 'peer' && event.report.podUID === uid) {
    const { role } = event.report;
    if (role === 'replica' || role === 'limbo')
      return 'the Redis of {pod} takes no writes any more,';
  }
  const isGone =
    event.kind === 'pods' && !event.pods.some((pod) => pod.uid === uid && !pod.terminal);
  return isGone ? 'the pod {pod} has ended,' : null;
}
