// Events of a group and the terms of its record as one list in the order of time. Pure.

import type { ToldTerm } from './history.ts';
import type { RawPod } from './raw-objects.ts';
import { type Line, span } from './spans.ts';

export type RawEvent = {
  readonly metadata?: { readonly uid?: string; readonly creationTimestamp?: string };
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly eventTime?: string | null;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
};

export type EventRow = {
  /** The same again has another one. */
  readonly key: string;
  /** ISO time. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly about: string;
  readonly note: string;
  /** Part of every start of a pod, and of no use to whoever looks for what changed. */
  readonly isAside: boolean;
};

/** What scheduler, kubelet and controllers tell of each pod that starts, and of its volumes. */
const ROUTINE: ReadonlySet<string> = new Set([
  'Scheduled',
  'Pulling',
  'Pulled',
  'Created',
  'Started',
  'SuccessfulCreate',
  'SuccessfulAttachVolume',
  'ExternalProvisioning',
  'Provisioning',
  'ProvisioningSucceeded',
]);

function timeOf({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: RawEvent): string {
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, firstTimestamp];
  const known = times.find((time) => typeof time === 'string' && !Number.isNaN(Date.parse(time)));
  return known ?? metadata?.creationTimestamp ?? '';
}

/** The pods of the group, also those that are gone, and what owns them. */
export type Subjects = { readonly pods: ReadonlySet<string>; readonly owners: ReadonlySet<string> };

export function subjectsOf(
  group: string,
  pods: readonly RawPod[],
  terms: readonly ToldTerm[],
): Subjects {
  const owners = pods.flatMap(({ metadata }) =>
    (metadata?.ownerReferences ?? [])
      .filter(({ controller }) => controller === true)
      .map(({ kind, name }) => `${kind}/${name}`),
  );
  const names = pods.map(({ metadata }) => metadata?.name ?? '');
  return {
    pods: new Set([...names, ...terms.map(({ holder }) => holder)]),
    // Its pods may all be gone.
    owners: new Set(owners.length === 0 ? [`StatefulSet/${group}`] : owners),
  };
}

export function eventRows(
  events: readonly RawEvent[],
  terms: readonly ToldTerm[],
  { pods, owners }: Subjects,
): readonly EventRow[] {
  const isOurs = ({ involvedObject: about }: RawEvent): boolean =>
    about?.kind === 'Pod'
      ? pods.has(about.name ?? '')
      : owners.has(`${about?.kind}/${about?.name}`);
  const told = events.filter(isOurs).map((event): EventRow => {
    const { metadata, type = '', reason = '', message = '', count, series } = event;
    const times = series?.count ?? count ?? 1;
    return {
      key: `${metadata?.uid}/${times}`,
      at: timeOf(event),
      type,
      reason,
      about: `${event.involvedObject?.kind}/${event.involvedObject?.name}`,
      note: times > 1 ? `${message} (${times} times)` : message,
      isAside: type === 'Normal' && ROUTINE.has(reason),
    };
  });
  const changes = terms.map(
    ({ term, holder, at, reason }): EventRow => ({
      key: `term/${term}`,
      at,
      type: 'Normal',
      reason: `Term${term}`,
      about: `Pod/${holder}`,
      note: reason,
      isAside: false,
    }),
  );
  return [...told, ...changes].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export function eventLine({ at, type, reason, about, note }: EventRow): Line {
  return [
    span(`${at.replace(/\.\d+Z$/, 'Z').padEnd(20)}  `, 'dim'),
    span(type.padEnd(8), type === 'Warning' ? 'warn' : 'plain'),
    span(`${reason.padEnd(20)}  `),
    span(`${about.padEnd(20)}  `),
    span(note),
  ];
}
