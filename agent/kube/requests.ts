// What people ask of the group: annotations on a Lease of its own. Rights on the group's own Lease would be
// rights to steal the mastership; these are only rights to ask.

import type { V1Lease } from '@kubernetes/client-node';
import { PAUSE_ANNOTATION, REQUEST_ANNOTATION, requestLeaseName } from '../../src/names.ts';
import type { Clock } from '../clock.ts';
import type { Pause, SwitchoverRequest } from '../core/model.ts';
import { readPause, readRequest } from './annotation-text.ts';
import type { ApiClient } from './api.ts';
import { watchOneLease } from './one-lease.ts';

type Options = {
  readonly api: ApiClient;
  readonly namespace: string;
  readonly group: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onRequest: (request: SwitchoverRequest | null) => void;
  readonly onPause: (pause: Pause | null) => void;
  readonly onUnreadable: (what: 'request' | 'pause', detail: string) => void;
  readonly onBroken: (detail: string) => void;
};

/** Follows what is asked of the group; what cannot be read is nothing, and it is said why. */
export function watchRequests(options: Options): Promise<void> {
  const { api, namespace, group, clock, random, onUnreadable, onBroken } = options;

  /** With the end of its time by our own clock. */
  function dated<T extends { readonly expiresEpochMs: number }>(
    what: 'request' | 'pause',
    text: string | undefined,
    read: (text: string) => T | string,
  ): (Omit<T, 'expiresEpochMs'> & { readonly until: number }) | null {
    if (text === undefined) return null;
    const value = read(text);
    if (typeof value === 'string') {
      onUnreadable(what, value);
      return null;
    }
    const { expiresEpochMs, ...rest } = value;
    return { ...rest, until: clock.now() + expiresEpochMs - clock.epochMs() };
  }

  const seen = (raw: V1Lease | null): void => {
    const annotations = raw?.metadata?.annotations ?? {};
    options.onPause(dated('pause', annotations[PAUSE_ANNOTATION], readPause));
    options.onRequest(dated('request', annotations[REQUEST_ANNOTATION], readRequest));
  };
  const name = requestLeaseName(group);
  return watchOneLease<V1Lease>({ api, namespace, name, onSeen: seen, onBroken, random });
}
