// Which data descend from which: the position of an instance's dataset in the group's lineage,
// and the guard that keeps data of unknown descent from being overwritten (I4, I8).

import type { DatasetEntry, GroupRecord, LineageEntry, TermEntry } from './model.ts';

export type Dataset = {
  readonly pod: string;
  readonly volume: string;
  readonly replid: string;
  readonly replid2: string;
  readonly secondOffset: number;
  readonly offset: number;
  readonly keys: number;
  readonly aof: boolean;
};

/**
 * `index` in the lineage, newest highest (a half more: who opened writes last); then the offset; `beyond`: among
 * data that stand at one offset of their parent, how far they went under an id of their own.
 */
export type Position = {
  readonly index: number;
  readonly offset: number;
  readonly beyond?: number;
};

/** Above whatever was opened before, AOF or not, and below what was recorded next. */
const UNRECORDED_CHILD = 0.75;
/** Of two at the same offset who shows its id is certain to be there; a snapshot may be older. */
const A_SNAPSHOT_LACKS = 0.25;
/** Less than any offset differs. */
const A_CHILD_HAS_MORE = 0.5;
/** Below every recorded id: an empty dataset, which may only follow. */
const EMPTY: Position = { index: -1, offset: 0 };

/**
 * Where data of the id at this index stand. An id that no promotion made, of data that stood among those of a
 * promotion, is recorded before that promotion's, with the offset at which they stood as its `start`.
 */
function standing(index: number, offset: number, { lineage }: GroupRecord): Position {
  const entry = lineage[index];
  if (entry === undefined || !isAmongNext(entry)) return { index, offset };
  const next = lineage.findIndex((later, at) => at > index && !isAmongNext(later));
  return next < 0 ? { index, offset } : { index: next, offset: entry.start, beyond: offset };
}

function isAmongNext({ term, start }: LineageEntry): boolean {
  return term === 0 && start > 0;
}

/** Redis writes an id that it does not have as forty zeros. */
export function isNone(replid: string): boolean {
  return /^0*$/.test(replid);
}

function indexOf(lineage: readonly LineageEntry[], replid: string): number {
  return lineage.findLastIndex((entry) => entry.replid === replid);
}

/**
 * Where a dataset stands, or null where its descent is unknown (rules 10 and 11).
 * Without any record every dataset stands at index 0.
 */
export function positionOf(dataset: Dataset, record: GroupRecord): Position | null {
  if (record.lineage.length === 0) {
    return dataset.keys === 0 ? EMPTY : { index: 0, offset: dataset.offset };
  }
  const own = indexOf(record.lineage, dataset.replid);
  if (own >= 0) return standing(own, dataset.offset, record);
  const parent = indexOf(record.lineage, dataset.replid2);
  if (parent >= 0) {
    const unrecorded = unrecordedTerm(dataset.pod, record);
    if (unrecorded > (record.lineage[parent]?.term ?? 0)) {
      // Opened in a term of its own, whose holder ended before it could record the id (rule 10).
      return { index: childIndex(unrecorded, record), offset: dataset.offset };
    }
    // Beyond where it left its parent it is alone: of two that are equal up to there it has more.
    const shared = Math.min(dataset.offset, dataset.secondOffset - 1);
    const hasMore = dataset.offset > shared;
    return standing(parent, hasMore ? shared + A_CHILD_HAS_MORE : shared, record);
  }
  if (dataset.keys === 0) return EMPTY;
  const entry = record.datasets[dataset.pod];
  if (entry === undefined || entry.volume !== dataset.volume) return null;
  return placeOfVolume(dataset, entry, record);
}

/** Where data stand whose ids nobody knows, by what their volume was recorded to hold (rule 11). */
function placeOfVolume(dataset: Dataset, entry: DatasetEntry, record: GroupRecord): Position {
  // Recorded as a new, empty one: it never held what the pod of this name had before.
  const isBlank = entry.keys === 0 && !isKnown(record, entry.replid);
  // Foreign data are never recorded: an entry for this very volume proves membership by itself.
  const recorded = Math.max(0, indexOf(record.lineage, entry.replid));
  // Redis forgets id and offset when it restarts from an AOF, or from an RDB that it saved as a master
  // without replicas; what the volume held is recorded. The offsets date from the last renewal: who
  // opened writes last has all that its replicas have, and perhaps more.
  const opener = dataset.aof && !isBlank ? openerIndex(dataset.pod, record) : null;
  // What became master twice since has an id before this one: it did not restart, and has all that it had.
  const isSnapshot = !dataset.aof && isNone(dataset.replid2);
  const index = opener ?? recorded;
  // A replica's snapshot has the id of its master: this one was saved by a master, and after its promotion
  // in a term of its own, where there is one.
  const unrecorded = unrecordedTerm(dataset.pod, record);
  const isChild = !dataset.aof && unrecorded > (record.lineage[recorded]?.term ?? 0);
  // With fewer keys it is an older snapshot, or an AOF that was being written anew.
  const isWhole = dataset.keys >= entry.keys && !isBlank;
  if (!isWhole) {
    const below = (index + 1) / (record.lineage.length + 1);
    return { index: EMPTY.index + below, offset: entry.offset };
  }
  // Of two that were recorded at the same offset, who has more keys went on for longer.
  const surplus = dataset.keys - entry.keys;
  const more = (A_CHILD_HAS_MORE * surplus) / (surplus + 1);
  const offset = entry.offset + (isSnapshot && surplus === 0 ? -A_SNAPSHOT_LACKS : more);
  if (isChild) return { index: childIndex(unrecorded, record), offset };
  return opener === null ? standing(recorded, offset, record) : { index: opener, offset };
}

/** Above whatever was opened before this term. */
function childIndex(unrecorded: number, { lineage }: GroupRecord): number {
  return lineage.findLastIndex(({ term }) => term < unrecorded) + UNRECORDED_CHILD;
}

/** An instance that restarted from a file that was saved before the last renewal. */
export function isOlderFile(
  { pod, volume, replid, offset, keys }: Dataset,
  record: GroupRecord,
): boolean {
  const entry = record.datasets[pod];
  if (entry?.volume !== volume || keys >= entry.keys) return false;
  const steps = indexOf(record.lineage, entry.replid) - indexOf(record.lineage, replid);
  return steps > 0 || (steps === 0 && offset < entry.offset);
}

/** Whether it is the position of any data: even the oldest come before none. */
export function hasData(position: Position | null): boolean {
  return position !== null && position.index > EMPTY.index;
}

/**
 * Where the record places a volume that nobody can look at. Who opened writes last comes first, as in
 * `positionOf`, where the best that is here has lost its id too: offsets of the record may be equal.
 */
export function recordedPosition(
  pod: string,
  entry: DatasetEntry,
  best: Dataset,
  record: GroupRecord,
): Position {
  const isGuess = indexOf(record.lineage, best.replid) < 0;
  const index = isGuess ? openerIndex(pod, record) : null;
  if (index !== null) return { index, offset: entry.offset };
  return standing(indexOf(record.lineage, entry.replid), entry.offset, record);
}

/** The last term of this pod in which it may have led, and of which no id was ever recorded, or 0. */
function unrecordedTerm(pod: string, { history, lineage }: GroupRecord): number {
  const recorded = new Set(lineage.map(({ term }) => term));
  const own = history.findLast(
    ({ term, holder, unopened }) => holder === pod && unopened !== true && !recorded.has(term),
  );
  return own?.term ?? 0;
}

/** The half step above the newest id, for the pod that opened writes last; null for all others. */
function openerIndex(pod: string, record: GroupRecord): number | null {
  if (lastOpening(record)?.holder !== pod) return null;
  // An id that was recorded since, before a promotion, is of fresher data still.
  return record.lineage.findLastIndex(({ term }) => term > 0) + 0.5;
}

/** The newest id that a promotion made, and its term. */
export function lastOpened({ lineage }: Pick<GroupRecord, 'lineage'>): LineageEntry | undefined {
  return lineage.findLast((entry) => entry.term > 0);
}

/** The term that opened writes last: the newest id is of it. */
export function lastOpening(
  record: Pick<GroupRecord, 'lineage' | 'history'>,
): TermEntry | undefined {
  const term = lastOpened(record)?.term;
  return record.history.findLast((entry) => entry.term === term);
}

/** Whether this promotion is the newest that the record knows. */
export function isNewest(
  { lineage }: GroupRecord,
  opened: { readonly replid: string; readonly term: number },
): boolean {
  const newest = lineage.at(-1);
  return newest?.replid === opened.replid && newest.term === opened.term;
}

/** Whether the dataset shows by its own ids that it is the group's, or is empty. */
export function isOfLineage(dataset: Dataset, record: GroupRecord): boolean {
  if (dataset.keys === 0 || record.lineage.length === 0) return true;
  return [dataset.replid, dataset.replid2].some((id) => indexOf(record.lineage, id) >= 0);
}

/** Bytes that `position` lacks of a fresher one at the same index. */
export function lackOf(position: Position, freshest: Position): number {
  const lag = freshest.offset - position.offset;
  return lag === 0 ? (freshest.beyond ?? 0) - (position.beyond ?? 0) : lag;
}

/** Negative: `a` is fresher. */
export function compareFreshness(a: Position, b: Position): number {
  return b.index - a.index || lackOf(a, b);
}

/** Whether `a` has what `b` lacks, by lineage and offset alone. */
export function isFresher(a: Dataset, b: Dataset, record: GroupRecord): boolean {
  const [mine, other] = [positionOf(a, record), positionOf(b, record)];
  return mine !== null && (other === null || compareFreshness(mine, other) < 0);
}

/** Whether the data of an instance may be overwritten by the group's (DESIGN 7). */
export function mayBeOverwritten(
  dataset: Dataset,
  record: GroupRecord,
  target: { replid: string; replid2: string },
  discard: string | null,
): boolean {
  if (dataset.keys === 0) return true;
  if (discard !== null && discard === dataset.replid) return true;
  const related = [target.replid, target.replid2];
  if (related.includes(dataset.replid)) return true;
  if (record.lineage.length === 0) return false;
  return positionOf(dataset, record) !== null;
}

const LINEAGE_MAX = 30;

export function isKnown({ lineage }: GroupRecord, replid: string): boolean {
  return indexOf(lineage, replid) >= 0;
}

/** Lineage with an id that no promotion made, at the place that these data had without it. */
export function withOrigin(dataset: Dataset, record: GroupRecord): readonly LineageEntry[] {
  const { index, offset } = positionOf(dataset, record) ?? EMPTY;
  const isAmong = record.lineage[index] !== undefined && offset > 0;
  const place = isAmong ? index : Math.floor(index) + 1;
  const excess = Math.max(0, record.lineage.length + 1 - LINEAGE_MAX);
  const entry = { replid: dataset.replid, term: 0, start: isAmong ? offset : 0 };
  // The oldest others make room for it, also where it is the oldest of all.
  const older = record.lineage.slice(Math.min(excess, place), place);
  const newer = record.lineage.slice(Math.max(excess, place));
  return [...older, entry, ...newer];
}

/** Lineage with the newest id appended; bounded, newest last. */
export function extendLineage(
  lineage: readonly LineageEntry[],
  entry: LineageEntry,
): readonly LineageEntry[] {
  return [...lineage.filter((old) => old.replid !== entry.replid), entry].slice(-LINEAGE_MAX);
}
