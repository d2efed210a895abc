// How a modelled Redis is started, and what differs between versions.

export type RedisVersion = '6.0' | '7.0' | '8.0' | 'valkey-8';

export type RedisOptions = {
  /** Pod address. */
  readonly host: string;
  readonly version?: RedisVersion;
  readonly persistence?: 'none' | 'rdb' | 'aof';
  /** Starts with `--replicaof 127.0.0.1 1 --replica-read-only yes`. */
  readonly bootFence?: boolean;
  readonly priority?: number;
  readonly minReplicasToWrite?: number;
  readonly minReplicasMaxLagSeconds?: number;
  readonly replicaReadOnly?: boolean;
  readonly serveStaleData?: boolean;
  readonly backlogBytes?: number;
  readonly backlogTtlSeconds?: number;
  readonly pingPeriodSeconds?: number;
  readonly replTimeoutSeconds?: number;
  readonly disklessDelaySeconds?: number;
  /** A write makes a snapshot due this long after the last one (persistence rdb). */
  readonly saveAfterSeconds?: number;
  /** How long a snapshot takes to be made and sent, or saved. */
  readonly snapshotMs?: number;
  readonly snapshotMsPerKey?: number;
  /** How long a dataset takes to be read. */
  readonly loadMs?: number;
  readonly loadMsPerKey?: number;
  /** How likely an AOF lacks, after a kill, what came in the last second: its fsync took long. */
  readonly unsyncedChance?: number;
  /** ADR 5: how likely the acknowledgement of a diskless sync comes before the child is reaped. */
  readonly heldBackChance?: number;
};

export type Settings = Required<RedisOptions>;

const DEFAULTS: Omit<Settings, 'host'> = {
  version: '7.0',
  persistence: 'none',
  bootFence: false,
  priority: 100,
  minReplicasToWrite: 0,
  minReplicasMaxLagSeconds: 10,
  replicaReadOnly: true,
  serveStaleData: true,
  backlogBytes: 1024 * 1024,
  backlogTtlSeconds: 3600,
  pingPeriodSeconds: 10,
  replTimeoutSeconds: 60,
  disklessDelaySeconds: 0,
  saveAfterSeconds: 3600,
  snapshotMs: 2,
  snapshotMsPerKey: 0.001,
  loadMs: 0,
  loadMsPerKey: 0.001,
  unsyncedChance: 0,
  heldBackChance: 0.25,
};

export function settingsOf(options: RedisOptions): Settings {
  return { ...DEFAULTS, ...options };
}

/** What a version does otherwise than the others; each was seen on real servers. */
export type Traits = {
  /** As INFO gives it. */
  readonly infoVersion: string;
  /** REPLICAOF leaves the replicas' links, which drain; before 7.0 it drops them. */
  readonly keepsReplicaLinks: boolean;
  /** Dials at REPLICAOF and at the loss of its link; before it waits for its next second. */
  readonly dialsAtOnce: boolean;
  /** Snapshots go to sockets; before they become dump.rdb first. */
  readonly diskless: boolean;
  /** A master that restarts keeps the saved id as its second one. */
  readonly masterRestoresId: boolean;
  /** What nobody replicates counts one: a write with an AOF, the question of a WAIT. */
  readonly countsUnreplicated: boolean;
  /** A full disk refuses writes and PING of masters only. */
  readonly diskSparesReplicas: boolean;
  /** FULLRESYNC is enough to lose its place and its replicas; else only the snapshot is. */
  readonly forgetsAtFullResync: boolean;
  /** INFO in a transaction makes MULTI and EXEC part of the stream (transaction-echo.ts). */
  readonly echoesTransactions: boolean;
  /** CONFIG SET is refused while data are read. */
  readonly locksSettingsWhileLoading: boolean;
  /** PING is answered where stale data are not. */
  readonly pingsWhenStale: boolean;
  /** WAIT waits for the last write; else for whatever was in the stream at the last command. */
  readonly waitsForWritesOnly: boolean;
  /** An AOF brings back the offset, without the id. */
  readonly appendOnlyKeepsOffset: boolean;
  /** A snapshot has a connection of its own beside the stream, which is never held back. */
  readonly hasSnapshotChannel: boolean;
  /** SIGTERM waits for replicas that lag, up to ten seconds, and lets no write through. */
  readonly waitsAtShutdown: boolean;
};

const OLD: Traits = {
  infoVersion: '6.0.16',
  keepsReplicaLinks: false,
  dialsAtOnce: false,
  diskless: false,
  masterRestoresId: false,
  countsUnreplicated: false,
  diskSparesReplicas: true,
  forgetsAtFullResync: true,
  echoesTransactions: true,
  locksSettingsWhileLoading: true,
  pingsWhenStale: true,
  waitsForWritesOnly: false,
  appendOnlyKeepsOffset: false,
  hasSnapshotChannel: false,
  waitsAtShutdown: false,
};

const SEVEN: Traits = {
  infoVersion: '7.0.15',
  keepsReplicaLinks: true,
  dialsAtOnce: true,
  diskless: true,
  masterRestoresId: true,
  countsUnreplicated: false,
  diskSparesReplicas: false,
  forgetsAtFullResync: false,
  echoesTransactions: false,
  locksSettingsWhileLoading: false,
  pingsWhenStale: false,
  waitsForWritesOnly: false,
  appendOnlyKeepsOffset: false,
  hasSnapshotChannel: false,
  waitsAtShutdown: true,
};

const VALKEY: Traits = {
  ...SEVEN,
  infoVersion: '8.1.1',
  countsUnreplicated: true,
  waitsForWritesOnly: true,
};

const EIGHT: Traits = {
  ...VALKEY,
  infoVersion: '8.0.2',
  appendOnlyKeepsOffset: true,
  hasSnapshotChannel: true,
};

export const TRAITS: Readonly<Record<RedisVersion, Traits>> = {
  '6.0': OLD,
  '7.0': SEVEN,
  '8.0': EIGHT,
  'valkey-8': VALKEY,
};
