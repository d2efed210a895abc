// A member of a group, as the core's tests begin with it: redis-0, its Redis in limbo.

import { TIMING_PROFILES } from '../../agent/core/lease-clock.ts';
import type { CoreConfig, Instance, PodView } from '../../agent/core/model.ts';
import { LIMBO } from '../../agent/core/view.ts';

export const config: CoreConfig = {
  self: { pod: 'redis-0', uid: 'u0', agentId: 'b', volume: 'u0', address: '10.0.0.0' },
  protocol: 1,
  timing: TIMING_PROFILES.balanced,
  bootFence: true,
  redisTimeoutMs: 1000,
  maxFailoverLagBytes: null,
  ageBeatsBytes: 0,
  priorityFirst: false,
  proceedsWithoutMissing: false,
  confirmedBy: 0,
  isolates: false,
  killsFrozen: false,
  failsOverUnwritable: false,
};

export const limbo: Instance = {
  runId: 'run0',
  version: '7.0.15',
  role: 'replica',
  upstream: LIMBO,
  linkUp: false,
  syncing: false,
  syncPercent: null,
  loading: false,
  offset: 100,
  replid: 'aaa',
  replid2: '0',
  secondOffset: -1,
  priority: 100,
  startedEpochMs: 1000,
  keys: 1,
  aof: false,
  unwritable: null,
  obstacle: null,
};

export const pod = (n: number, changes: Partial<PodView> = {}): PodView => ({
  name: `redis-${n}`,
  uid: `u${n}`,
  ip: `10.0.0.${n}`,
  leaving: false,
  terminal: false,
  managed: true,
  role: null,
  volume: `u${n}`,
  revision: null,
  createdEpochMs: 0,
  discardData: null,
  adoptFrom: false,
  mirror: { term: 0, lineage: [], dataset: null, opening: null },
  ...changes,
});
