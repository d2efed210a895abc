// The options of the agent that a person chooses for a pod: by a flag or a variable of a hand-written
// sidecar, or by an annotation `redis-orchestrator.io/FLAG` on the pod, which the webhook turns into the variable.

import type { OptionTable } from './options.ts';

export const POLICY_OPTIONS = {
  isolation: {
    flag: 'isolation',
    env: 'RO_ISOLATION',
    kind: 'boolean',
    fallback: 'false',
    text: 'a master without replicas stops acknowledging, in groups of three or more; the same for the whole group',
  },
  killFrozen: {
    flag: 'kill-frozen',
    env: 'RO_KILL_FROZEN',
    kind: 'boolean',
    fallback: 'false',
    text: 'kill a Redis that hangs once another may lead; needs shareProcessNamespace and the right to signal it',
  },
  timingProfile: {
    flag: 'timing-profile',
    env: 'RO_TIMING_PROFILE',
    kind: 'choice',
    choices: ['fast', 'balanced', 'calm'],
    fallback: 'balanced',
    text: 'how fast a silent master is replaced',
  },
  maxFailoverLag: {
    flag: 'max-failover-lag',
    env: 'RO_MAX_FAILOVER_LAG',
    kind: 'integer',
    text: 'bytes that a promoted replica may lack (default: no limit)',
  },
  electionPolicy: {
    flag: 'election-policy',
    env: 'RO_ELECTION_POLICY',
    kind: 'choice',
    choices: ['data', 'priority'],
    fallback: 'data',
    text: 'what decides first: the freshest data or replica-priority',
  },
  ageBeatsBytes: {
    flag: 'age-beats-bytes',
    env: 'RO_AGE_BEATS_BYTES',
    kind: 'integer',
    fallback: '0',
    text: 'replicas within so many bytes count as equal, so that age decides',
  },
  missingData: {
    flag: 'missing-data',
    env: 'RO_MISSING_DATA',
    kind: 'choice',
    choices: ['wait', 'proceed'],
    fallback: 'wait',
    text: 'where an absent volume has fresher data than anybody here: wait for it, or proceed without it',
  },
  confirmedBy: {
    flag: 'confirmed-by',
    env: 'RO_CONFIRMED_BY',
    kind: 'integer',
    fallback: '0',
    min: 0,
    max: 100,
    text: 'writes confirmed by WAIT with this number survive; the same for the whole group',
  },
  unwritableMaster: {
    flag: 'unwritable-master',
    env: 'RO_UNWRITABLE_MASTER',
    kind: 'choice',
    choices: ['alert', 'failover'],
    fallback: 'alert',
    text: 'a master that refuses writes (MISCONF, as on a full disk): say so, or hand over to a replica that takes them',
  },
  redisUser: {
    flag: 'redis-user',
    env: 'RO_REDIS_USER',
    kind: 'string',
    text: 'ACL user of the agent and of replication',
  },
} as const satisfies OptionTable;
