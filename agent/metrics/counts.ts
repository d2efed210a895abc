// What one step of the core adds to the counters. Pure.

import { electionKind, isResumed } from '../core/election-time.ts';
import type { AgentEvent, AgentState, Effect } from '../core/model.ts';
import type { Notice } from '../core/notice-table.ts';
import { newlyLost } from '../core/loss.ts';
import { isLimbo, localInstance } from '../core/view.ts';
import type { CounterName } from './table.ts';

/** One step as it was made. */
export type Observed = {
  readonly before: AgentState;
  readonly event: AgentEvent;
  readonly after: AgentState;
  readonly effects: readonly Effect[];
  readonly notices: readonly Notice[];
};

export type Count = {
  readonly name: CounterName;
  readonly by: number;
  readonly labels?: Readonly<Record<string, string>>;
};

export function countsOf(step: Observed): readonly Count[] {
  return [
    ...byEvent(step),
    ...byPhase(step),
    ...byEffect(step),
    ...byLoss(step),
    ...byNotice(step),
  ];
}

function byEvent({ before, event, after }: Observed): readonly Count[] {
  if (event.kind === 'stalled') return [{ name: 'stalls_total', by: 1 }];
  if (event.kind === 'remote-fenced') return [fence('remote', event.isConfirmed)];
  if (event.kind === 'lease-written') {
    const { pendingWrite } = before;
    if (pendingWrite?.id !== event.id) return [];
    const labels = { op: pendingWrite.write.op, outcome: event.outcome };
    return [{ name: 'lease_requests_total', by: 1, labels }];
  }
  if (event.kind === 'redis-done') {
    const { pendingRedis } = before;
    const isLimbo = pendingRedis?.id === event.id && pendingRedis.kind === 'limbo';
    return isLimbo ? [fence('local', event.result.ok)] : [];
  }
  if (event.kind !== 'redis') return [];
  const isBegun =
    localInstance(after)?.syncing === true && localInstance(before)?.syncing === false;
  return [
    ...(isBegun ? [{ name: 'full_syncs_total', by: 1 } as const] : []),
    ...(isLedAstray(before, after) ? [repair('replicaof')] : []),
  ];
}

/** A replica that follows another host than its agent told it to; limbo is what other agents tell it. */
function isLedAstray(before: AgentState, after: AgentState): boolean {
  const [was, is] = [localInstance(before), localInstance(after)];
  if (before.phase !== 'Following' || before.pendingRedis !== null) return false;
  if (was?.role !== 'replica' || is?.role !== 'replica' || was.runId !== is.runId) return false;
  return !isLimbo(was) && !isLimbo(is) && was.upstream?.host !== is.upstream?.host;
}

function repair(kind: 'label' | 'role' | 'replicaof'): Count {
  return { name: 'repairs_total', by: 1, labels: { kind } };
}

function fence(level: 'local' | 'remote', isDone: boolean): Count {
  return { name: 'fences_total', by: 1, labels: { level, outcome: isDone ? 'ok' : 'failed' } };
}

function byPhase({ before, after }: Observed): readonly Count[] {
  const [from, to] = [before.phase, after.phase];
  const told = (outcome: 'won' | 'lost' | 'aborted'): readonly Count[] => [
    { name: 'elections_total', by: 1, labels: { kind: electionKind(before), outcome } },
  ];
  if (from === 'Promoting' && to === 'Leading') return isResumed(before) ? [] : told('won');
  if (from === 'Acquiring' && (to === 'Fenced' || to === 'Following')) return told('lost');
  const isDeciding = from === 'Deciding' || from === 'Promoting';
  return isDeciding && (to === 'Fencing' || to === 'Fenced') ? told('aborted') : [];
}

function byEffect({ effects }: Observed): readonly Count[] {
  const cuts = effects.filter((effect) => effect.kind === 'limbo' && effect.cutClients);
  return cuts.map(() => ({ name: 'client_kills_total', by: 1 }));
}

function byLoss({ before, after }: Observed): readonly Count[] {
  const bytes = newlyLost(before.lost, after.lost);
  return bytes === 0 ? [] : [{ name: 'lost_bytes_total', by: bytes }];
}

function byNotice({ notices }: Observed): readonly Count[] {
  return notices.flatMap(({ reason }): readonly Count[] => {
    if (reason === 'LabelRepaired') return [repair('label')];
    if (reason === 'RoleRepaired') return [repair('role')];
    return reason === 'SplitBrainDetected' ? [{ name: 'split_brains_total', by: 1 }] : [];
  });
}
