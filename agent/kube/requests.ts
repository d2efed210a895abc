// What people ask of the group: one annotation on a Lease of its own. Rights on the group's own Lease would be
// rights to steal the mastership; these are only rights to ask.

import type { V1Lease } from '@kubernetes/client-node';
import { REQUEST_ANNOTATION, requestLeaseName } from '../../src/names.ts';
import type { Clock } from '../clock.ts';
import type { SwitchoverRequest } from '../core/model.ts';
import { readRequest } from './annotation-text.ts';
import type { ApiClient } from './api.ts';
import { watchOneLease } from './one-lease.ts';

type Options = {
  readonly api: ApiClient;
  readonly namespace: string;
  readonly group: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onRequest: (request: SwitchoverRequest | null) => void;
  readonly onUnreadable: (detail: string) => void;
  readonly onBroken: (detail: string) => void;
};

/** Follows the request of the group; one that cannot be read is none, and it is said why. */
export function watchRequests(options: Options): Promise<void> {
  const { api, namespace, group, clock, random, onRequest, onUnreadable, onBroken } = options;
  const seen = (raw: V1Lease | null): void => {
    const text = raw?.metadata?.annotations?.[REQUEST_ANNOTATION];
    if (text === undefined) return onRequest(null);
    const read = readRequest(text);
    if (typeof read === 'string') {
      onUnreadable(read);
      return onRequest(null);
    }
    const { expiresEpochMs, ...request } = read;
    onRequest({ ...request, until: clock.now() + expiresEpochMs - clock.epochMs() });
  };
  const name = requestLeaseName(group);
  return watchOneLease<V1Lease>({ api, namespace, name, onSeen: seen, onBroken, random });
}
