// Follows one Lease by its name, whatever becomes of it.

import type { ApiClient, WatchEvent } from './api.ts';

export type OneLeaseWatch<T> = {
  readonly api: ApiClient;
  readonly namespace: string;
  readonly name: string;
  /** Null: there is none. */
  readonly onSeen: (raw: T | null) => void;
  readonly onBroken: (detail: string) => void;
  readonly random: () => number;
};

export function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

export function watchOneLease<T extends { metadata?: object }>(
  watch: OneLeaseWatch<T>,
): Promise<void> {
  const { api, namespace, name, onSeen, onBroken, random } = watch;
  return api.watch<T>(
    leasesPath(namespace),
    { fieldSelector: `metadata.name=${name}` },
    (event: WatchEvent<T>) => {
      if (event.type === 'list') onSeen(event.items[0] ?? null);
      else if (event.type === 'set') onSeen(event.item);
      else if (event.type === 'delete') onSeen(null);
      else onBroken(event.detail);
    },
    random,
  );
}
