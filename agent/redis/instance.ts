// What an INFO reply says of an instance, in the core's words.

import { countKeys, integerField, type InfoFields, parseInfo } from '../../src/redis-info.ts';
import type { Instance } from '../core/model.ts';

/** The sections that an Instance is made of; one INFO each, since Redis 6 takes one at a time. */
export const INFO_SECTIONS = ['server', 'replication', 'persistence', 'keyspace'] as const;

/** A replica's own offset; in limbo the cached master's, which INFO shows as the slave offset. */
function offsetOf(fields: InfoFields, role: Instance['role']): number {
  const master = integerField(fields, 'master_repl_offset') ?? 0;
  if (role === 'master') return master;
  const slave = integerField(fields, 'slave_repl_offset') ?? 0;
  return slave > 0 ? slave : master;
}

/** `startedEpochMs` is fixed once per run id by the caller: uptime has whole seconds only. */
export function instanceOf(texts: readonly string[], startedEpochMs: number): Instance | null {
  const fields = parseInfo(texts.join('\n'));
  const runId = fields.get('run_id');
  const role = fields.get('role');
  if (runId === undefined || (role !== 'master' && role !== 'slave')) return null;
  const name = role === 'master' ? 'master' : 'replica';
  const host = fields.get('master_host');
  const port = integerField(fields, 'master_port');
  return {
    runId,
    version: versionOf(fields),
    role: name,
    upstream: host === undefined || port === null ? null : { host, port },
    linkUp: fields.get('master_link_status') === 'up',
    syncing: fields.get('master_sync_in_progress') === '1',
    syncPercent: syncPercentOf(fields),
    loading: fields.get('loading') === '1',
    offset: offsetOf(fields, name),
    replid: fields.get('master_replid') ?? '',
    replid2: fields.get('master_replid2') ?? '',
    secondOffset: integerField(fields, 'second_repl_offset') ?? -1,
    priority: integerField(fields, 'slave_priority') ?? 100,
    startedEpochMs,
    keys: countKeys(fields),
    aof: fields.get('aof_enabled') === '1',
    takesWrites: name === 'replica' && fields.get('slave_read_only') === '0',
    unwritable: unwritableOf(fields),
    obstacle: null,
  };
}

/** Only of a snapshot that its master saved to disk before is the size known; Redis tells it since 6.2. */
function syncPercentOf(fields: InfoFields): number | null {
  if (fields.get('master_sync_in_progress') !== '1') return null;
  const total = integerField(fields, 'master_sync_total_bytes') ?? 0;
  const read = integerField(fields, 'master_sync_read_bytes') ?? 0;
  return total > 0 ? Math.min(100, Math.floor((100 * read) / total)) : null;
}

/** Of Valkey its own, and not the one of Redis that it stands for. */
export function versionOf(fields: InfoFields): string {
  return fields.get('valkey_version') ?? fields.get('redis_version') ?? '0';
}

/** As writeCommandsDeniedByDiskError() of Redis; that a failed snapshot stops writes is its default. */
function unwritableOf(fields: InfoFields): Instance['unwritable'] {
  const isAof = fields.get('aof_enabled') === '1';
  if (isAof && fields.get('aof_last_write_status') === 'err') return 'aof';
  return fields.get('rdb_last_bgsave_status') === 'err' ? 'rdb' : null;
}

/** Start of the process on the wall clock, by its uptime. */
export function startedEpochMs(serverText: string, nowEpochMs: number): number {
  const uptime = integerField(parseInfo(serverText), 'uptime_in_seconds') ?? 0;
  return nowEpochMs - uptime * 1000;
}
