// Most reports of a group at rest say again what is known: they show that a peer lives, and no row
// of the table has to be looked through for that. The next tick does so anyway.

import type { AgentReport, InstanceReport } from '../../src/wire.ts';
import type { AgentEvent, AgentState } from './model.ts';
import { leaseOf } from './view.ts';

const WORDS = [
  'agentId',
  'role',
  'state',
  'term',
  'holder',
  'frozenTerm',
  'volume',
  'leaving',
  'inSync',
  'refused',
  'isMaster',
  'failsafeRound',
  'problem',
  'protocol',
] as const satisfies readonly (keyof AgentReport)[];

const SHOWN = [
  'runId',
  'replid',
  'replid2',
  'secondOffset',
  'priority',
  'keys',
  'loading',
  'syncing',
  'linkUp',
  'upstream',
  'unwritable',
] as const satisfies readonly (keyof InstanceReport)[];

function isSameInstance(a: InstanceReport | null, b: InstanceReport | null): boolean {
  if (a === null || b === null) return a === b;
  return SHOWN.every((name) => a[name] === b[name]);
}

/** Whether a report says what its sender said before; offsets count where we follow them. */
export function isHeartbeat(state: AgentState, event: AgentEvent): boolean {
  if (event.kind !== 'peer') return false;
  if (state.phase !== 'Leading' && state.phase !== 'Following') return false;
  const { report } = event;
  const known = state.peers.get(report.podUID)?.report;
  if (known === undefined || report.podUID === leaseOf(state)?.holder?.uid) return false;
  return (
    WORDS.every((name) => known[name] === report[name]) &&
    known.promise?.round === report.promise?.round &&
    known.finalOffset?.offset === report.finalOffset?.offset &&
    isSameInstance(known.instance, report.instance)
  );
}
