// The Events that agents created in the namespace of a group, as people see them.

import type { EventsV1Event } from '@kubernetes/client-node';
import type { Group } from './group.ts';
import { waitFor } from './wait-for.ts';

export type ToldEvent = {
  readonly reason: string;
  readonly note: string;
  /** Kind and name of what it is about. */
  readonly about: string;
};

async function eventsOf(group: Group): Promise<readonly ToldEvent[]> {
  const path = `/apis/events.k8s.io/v1/namespaces/${group.account.namespace}/events`;
  const { items } = await group.admin.get<{ items: EventsV1Event[] }>(path);
  return items.map(({ reason = '', note = '', regarding }) => ({
    reason,
    note,
    about: `${regarding?.kind}/${regarding?.name}`,
  }));
}

/** Waits until such an Event is there: it is sent beside the work, not before it. */
export async function eventOf(
  group: Group,
  reason: string,
  about: string,
  note = /./,
): Promise<ToldEvent> {
  const isIt = (each: ToldEvent): boolean =>
    each.reason === reason && each.about === about && note.test(each.note);
  return await waitFor(
    `an Event ${reason} on ${about}`,
    async () => (await eventsOf(group)).find(isIt),
    { timeoutMs: 5000, picture: async () => JSON.stringify(await eventsOf(group)) },
  );
}
