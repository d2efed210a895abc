// What the bench needs of a system under test, ours or Sentinel, so that one round is the same code
// for both: one master, two replicas, and the faults.

import type { RedisAccess } from '../harness/redis-client.ts';

export const SYSTEMS = ['ours', 'sentinel1s', 'sentinel30s'] as const;
export type SystemName = (typeof SYSTEMS)[number];

export const FAULTS = ['crash', 'frozen', 'podKilled'] as const;
export type FaultName = (typeof FAULTS)[number];

/** Members of every group: one master and two replicas. */
export const SIZE = 3;

/** The same for both: what a full sync costs, and how far back a partial one reaches. */
export const COMMON_REDIS_ARGS = [
  '--repl-diskless-sync-delay',
  '0',
  '--repl-backlog-size',
  '64mb',
  '--enable-debug-command',
  'local',
] as const;

export type System = {
  readonly name: SystemName;
  readonly access: RedisAccess;
  addresses(): readonly string[];
  /** Waits until every member is up and in sync and all agree; answers the master's address. */
  healthy(): Promise<string>;
  /** Acts at once; what it killed stays down until `heal`. */
  inject(fault: FaultName, master: string): void;
  /** Brings back what a fault took away. */
  heal(): void;
  close(): Promise<void>;
};

/** A system that also hands mastership over as planned. */
export type PlannedSystem = System & {
  /**
   * Asks for it and returns when the master is another one. The one place to change when a request
   * takes the place of a deletion.
   */
  switchOver(master: string): Promise<void>;
};
