// What goes over a connection to a modelled Redis: commands and replies, and the replication
// protocol. Whoever dials may send any of it, as on a real port 6379.

import type { Instance } from '../../../agent/core/model.ts';
import type { Dataset } from './dataset.ts';
import type { StreamEntry } from './stream.ts';

/** Settings that are read or set at run time; yes is 1, no is 0. */
export type SettingName =
  | 'min-replicas-to-write'
  | 'min-replicas-max-lag'
  | 'replica-read-only'
  | 'repl-backlog-size'
  | 'repl-diskless-sync-delay'
  | 'maxmemory';

export type Command =
  | { readonly kind: 'info' }
  | { readonly kind: 'ping' }
  /** Port 1 of any host is limbo: nobody listens there. */
  | { readonly kind: 'replicaof'; readonly host: string; readonly port: number }
  | { readonly kind: 'replicaof-no-one' }
  | { readonly kind: 'config-set'; readonly name: SettingName; readonly value: number }
  | { readonly kind: 'config-get'; readonly name: SettingName }
  | { readonly kind: 'client-kill'; readonly type: 'normal' | 'pubsub' }
  /** Makes the connection one of type pubsub. */
  | { readonly kind: 'subscribe' }
  /** SET of a new key: ids are unique. `valueBytes` is 1 unless told. */
  | { readonly kind: 'write'; readonly id: number; readonly valueBytes?: number }
  | { readonly kind: 'exists'; readonly id: number }
  | { readonly kind: 'keys' }
  | { readonly kind: 'wait'; readonly replicas: number; readonly timeoutMs: number }
  | { readonly kind: 'shutdown'; readonly save: boolean }
  | { readonly kind: 'bgsave' };

export type ErrorCode =
  | 'READONLY'
  | 'NOREPLICAS'
  | 'LOADING'
  | 'MASTERDOWN'
  | 'MISCONF'
  | 'EXECABORT'
  | 'UNBLOCKED'
  /** Said by WAIT on a replica, which has no code of its own. */
  | 'ERR';

/** INFO in the core's words; the reader adds `startedEpochMs`, as our adapter does. */
export type RedisInfo = Omit<Instance, 'startedEpochMs'> & {
  readonly uptimeSeconds: number;
  readonly masterOffset: number;
  readonly connectedReplicas: number;
};

export type Reply =
  | { readonly kind: 'ok' }
  | { readonly kind: 'info'; readonly info: RedisInfo }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'keys'; readonly dataset: Dataset }
  | { readonly kind: 'error'; readonly code: ErrorCode };

/** What a client sends: a pipeline, or a transaction, which is carried out whole or not at all. */
export type Batch = {
  readonly kind: 'batch';
  readonly commands: readonly Command[];
  readonly transaction: boolean;
};

export type ToRedis =
  | Batch
  /** Without a cached master the id is '?'. */
  | { readonly kind: 'psync'; readonly replid: string; readonly offset: number }
  | { readonly kind: 'ack'; readonly offset: number };

export type FromRedis =
  /** One for each batch, in order; of an aborted transaction the one reply EXECABORT. */
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] }
  | { readonly kind: 'sync-refused'; readonly code: 'NOMASTERLINK' | 'LOADING' }
  | { readonly kind: 'full-resync'; readonly replid: string; readonly offset: number }
  | { readonly kind: 'snapshot'; readonly dataset: Dataset }
  | { readonly kind: 'continue'; readonly replid: string }
  | StreamEntry;
