// Who should be master: the order of DESIGN 6, from what each member reported.

import {
  compareFreshness,
  type Dataset,
  hasData,
  lackOf,
  type Position,
  positionOf,
} from './lineage.ts';
import type { Unwritable } from '../../src/wire.ts';
import type { CoreConfig, GroupRecord, PodView } from './model.ts';

export type Member = Dataset & {
  readonly uid: string;
  readonly runId: string;
  readonly priority: number;
  readonly loading: boolean;
  readonly syncing: boolean;
  readonly leaving: boolean;
  readonly protocol: number;
  readonly startedEpochMs: number;
  readonly unwritable?: Unwritable | null;
};

/** Why a member may not be master, or null where it may. */
export function ineligibility(
  member: Member,
  record: GroupRecord,
  config: CoreConfig,
  lastKnownOffset: number | null,
): string | null {
  if (member.priority === 0) return 'its replica-priority is 0';
  if (member.loading) return 'it is loading its dataset';
  if (member.syncing) return 'its first sync is in progress';
  const position = positionOf(member, record);
  if (position === null) return 'its data are not of the lineage of the group';
  const { maxFailoverLagBytes } = config;
  if (maxFailoverLagBytes !== null && lastKnownOffset !== null) {
    const lag = lastKnownOffset - position.offset;
    if (lag > maxFailoverLagBytes) return `it lacks ${lag} bytes, more than --max-failover-lag`;
  }
  return null;
}

/** Its disk is full, or the like: it would lead and take no write. */
export function refusesWrites({ unwritable = null }: Pick<Member, 'unwritable'>): boolean {
  return unwritable !== null;
}

type Placed = { readonly member: Member; readonly position: Position; readonly near: boolean };

/** Negative: `a` is the better master. Total: equal only for the same pod name. */
function comparePlaced(a: Placed, b: Placed, config: CoreConfig): number {
  const byPriority = a.member.priority - b.member.priority;
  if (config.priorityFirst && byPriority !== 0) return byPriority;
  const byData = a.near && b.near ? 0 : compareFreshness(a.position, b.position);
  if (byData !== 0) return byData;
  // A pod that ends is no choice, unless it alone has the newest data: it hands over afterwards.
  if (a.member.leaving !== b.member.leaving) return a.member.leaving ? 1 : -1;
  if (refusesWrites(a.member) !== refusesWrites(b.member)) return refusesWrites(a.member) ? 1 : -1;
  if (a.member.protocol !== b.member.protocol) return b.member.protocol - a.member.protocol;
  if (byPriority !== 0) return byPriority;
  if (a.member.startedEpochMs !== b.member.startedEpochMs) {
    return a.member.startedEpochMs - b.member.startedEpochMs;
  }
  return a.member.pod < b.member.pod ? -1 : a.member.pod > b.member.pod ? 1 : 0;
}

/** In one sentence, why `best` comes before `other`. */
export function betterClaim(
  best: Member,
  other: Member,
  record: GroupRecord,
  config: CoreConfig,
): string {
  const [a, b] = [positionOf(best, record), positionOf(other, record)];
  const byData = a === null || b === null ? 0 : compareFreshness(a, b);
  if (config.priorityFirst && best.priority !== other.priority) {
    return `${best.pod} has the smaller replica-priority`;
  }
  if (byData < 0) {
    return `${best.pod} has fresher data (offset ${best.offset} against ${other.offset})`;
  }
  if (other.leaving && !best.leaving) return `${best.pod} stays and has the same data`;
  if (refusesWrites(other) && !refusesWrites(best)) {
    return `${best.pod} takes writes and has the same data`;
  }
  if (best.protocol > other.protocol) return `${best.pod} has the newer agent and the same data`;
  if (best.priority !== other.priority) return `${best.pod} has the smaller replica-priority`;
  return best.startedEpochMs === other.startedEpochMs
    ? `${best.pod} has the smaller name among equals`
    : `${best.pod} started earlier and has the same data`;
}

/**
 * The eligible members, best first. An empty dataset is eligible only where no member that
 * reported has any data (rule 14): else it would wipe the others.
 */
export function ranking(
  members: readonly Member[],
  record: GroupRecord,
  config: CoreConfig,
  lastKnownOffset: number | null = null,
): readonly Member[] {
  const known = members.flatMap((member) => {
    const position = positionOf(member, record);
    return position === null ? [] : [{ member, position }];
  });
  const anyData = known.some(({ position }) => hasData(position));
  const eligible = known
    .filter(({ member }) => ineligibility(member, record, config, lastKnownOffset) === null)
    .filter(({ position }) => !anyData || hasData(position));
  const freshest = eligible.map(({ position }) => position).toSorted(compareFreshness)[0];
  if (freshest === undefined) return [];
  // "Near" is measured from the freshest alone: pairwise nearness would be no order.
  const isNear = (position: Position): boolean =>
    position.index === freshest.index && lackOf(position, freshest) <= config.ageBeatsBytes;
  return eligible
    .map((entry) => ({ ...entry, near: isNear(entry.position) }))
    .toSorted((a, b) => comparePlaced(a, b, config))
    .map(({ member }) => member);
}

/**
 * The same members, those of the new revision first: a rolling update must not bounce the master from one
 * pod that it will end to the next. The revision of the pod that was made last is the new one.
 */
export function preferRevision(
  members: readonly Member[],
  pods: readonly PodView[],
): readonly Member[] {
  const newest = pods.toSorted((a, b) => b.createdEpochMs - a.createdEpochMs)[0]?.revision;
  if (newest == null) return members;
  const isOld = ({ uid }: Member): number =>
    pods.find((pod) => pod.uid === uid)?.revision === newest ? 0 : 1;
  return members.toSorted((a, b) => isOld(a) - isOld(b));
}
