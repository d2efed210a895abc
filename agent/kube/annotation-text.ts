// Reads what stands in annotations that people can edit: whatever is not of the right shape is
// left out, so that a slip of the hand never stops an agent.

import type {
  Candidate,
  DatasetEntry,
  GroupRecord,
  LineageEntry,
  Mirror,
  Pause,
  SwitchoverRequest,
} from '../core/model.ts';
import {
  type Fields,
  fieldsOf,
  parseFields,
  readTerms,
  shaped,
  shapedList,
} from '../../src/annotation-fields.ts';
import { isTerm } from '../../src/wire.ts';
import { EMPTY_RECORD } from '../core/view.ts';

const LINEAGE = { replid: 'string', term: 'term', start: 'number' } as const;
const CANDIDATE = { pod: 'string', uid: 'string', address: 'string', runId: 'string' } as const;
const DATASET = { volume: 'string', replid: 'string', offset: 'number', keys: 'number' } as const;
const POD = { pod: 'string', uid: 'string', address: 'string' } as const;

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function datasets(value: unknown): Readonly<Record<string, DatasetEntry>> {
  const entries = Object.entries(fieldsOf(value) ?? {}).flatMap(([pod, entry]) => {
    const read = shaped<DatasetEntry>(entry, DATASET);
    return read === null ? [] : [[pod, read] as const];
  });
  return Object.fromEntries(entries);
}

/** The answer to a write and the watch bring the same text, and it is long. */
let lastRead: { readonly text: string | undefined; readonly record: GroupRecord } | null = null;

export function readRecord(text: string | undefined): GroupRecord {
  if (lastRead === null || lastRead.text !== text) lastRead = { text, record: recordIn(text) };
  return lastRead.record;
}

function recordIn(text: string | undefined): GroupRecord {
  const fields = parseFields(text);
  if (fields === null) return EMPTY_RECORD;
  return {
    protocol: numberOrNull(fields['protocol']) ?? EMPTY_RECORD.protocol,
    candidates: shapedList<Candidate>(fields['candidates'], CANDIDATE),
    goal: fields['goal'] === 'pending' ? 'pending' : numberOrNull(fields['goal']),
    decided: fields['decided'] === true,
    basisMs: numberOrNull(fields['basisMs']),
    previous: shaped<{ pod: string; uid: string; address: string }>(fields['previous'], POD),
    lineage: shapedList<LineageEntry>(fields['lineage'], LINEAGE),
    datasets: datasets(fields['datasets']),
    history: readTerms(fields['history']),
    answered: typeof fields['answered'] === 'string' ? fields['answered'] : null,
  };
}

/** The container that the webhook took for Redis, or null. */
export function readRedisContainer(text: string | undefined): string | null {
  const container = parseFields(text)?.['container'];
  return typeof container === 'string' ? container : null;
}

export function readMirror(text: string | undefined): Mirror {
  const fields = parseFields(text);
  return {
    term: isTerm(fields?.['term']) ? fields['term'] : 0,
    lineage: shapedList<LineageEntry>(fields?.['lineage'], LINEAGE),
    dataset: shaped<DatasetEntry>(fields?.['dataset'], DATASET),
    opening: readTerms([fields?.['opening']])[0] ?? null,
  };
}

export type PauseText = Omit<Pause, 'until'> & { readonly expiresEpochMs: number };

/** A field that is wrong: its name, its value, and what it should be. */
function wrongField(fields: Fields, name: string, remedy: string): string {
  return `${name}=${JSON.stringify(fields[name] ?? null).slice(0, 100)}: ${remedy}`;
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 253;

const TIME_REMEDY = 'a time such as 2026-01-31T12:00:00Z';

/** Later is no time that anybody means, and none that can be written as one once a clock differs. */
const LATEST_EPOCH_MS = Date.UTC(9999, 0);

function epochMsOf(value: unknown): number {
  const epochMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return epochMs < LATEST_EPOCH_MS ? epochMs : Number.NaN;
}

/** The pause, or what is wrong with it. */
export function readPause(text: string): PauseText | string {
  const fields = parseFields(text);
  if (fields === null) return `${text.slice(0, 100)}: write a JSON object`;
  const { by, reason = '', expires } = fields;
  if (!isName(by)) return wrongField(fields, 'by', 'name who asks, in 1 to 253 characters');
  if (typeof reason !== 'string' || reason.length > 253) {
    return wrongField(fields, 'reason', 'why, in at most 253 characters');
  }
  const expiresEpochMs = epochMsOf(expires);
  if (Number.isNaN(expiresEpochMs)) return wrongField(fields, 'expires', TIME_REMEDY);
  return { by, reason, expiresEpochMs };
}

export type RequestText = Omit<SwitchoverRequest, 'until'> & { readonly expiresEpochMs: number };

/** The request, or what is wrong with it: the field, its value, and what it should be. */
export function readRequest(text: string): RequestText | string {
  const fields = parseFields(text);
  if (fields === null) return `${text.slice(0, 100)}: write a JSON object`;
  const wrong = (name: string, remedy: string): string => wrongField(fields, name, remedy);
  const { id, operation, target = null, term, expires, by } = fields;
  if (!isName(id)) return wrong('id', 'a text of its own for each request');
  if (operation !== 'switchover') return wrong('operation', 'only "switchover" is known');
  if (target !== null && !isName(target)) return wrong('target', 'name of a pod, or left out');
  if (typeof term !== 'number' || !Number.isInteger(term)) {
    return wrong('term', 'the present term, a whole number (leaseTransitions of the Lease)');
  }
  const expiresEpochMs = epochMsOf(expires);
  if (Number.isNaN(expiresEpochMs)) return wrong('expires', TIME_REMEDY);
  if (!isName(by)) return wrong('by', 'name who asks, in 1 to 253 characters');
  return { id, target, term, expiresEpochMs, by };
}
