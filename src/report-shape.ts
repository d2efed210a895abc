// Whether what a peer sent is a report: peers of another version, or strangers at an old address,
// may send anything.

import type { AgentReport } from './wire.ts';

const STRINGS = ['podName', 'podIP', 'podUID', 'agentId', 'role', 'state', 'volume'] as const;
const NUMBERS = ['protocol', 'clockMs', 'term', 'failsafeRound'] as const;
const INSTANCE_STRINGS = ['runId', 'replid', 'replid2'] as const;
const INSTANCE_NUMBERS = ['secondOffset', 'offset', 'priority', 'keys'] as const;

function has(value: object, names: readonly string[], kind: 'string' | 'number'): boolean {
  return names.every((name) => {
    const field: unknown = Reflect.get(value, name);
    return typeof field === kind && (kind !== 'number' || Number.isFinite(field));
  });
}

export function isAgentReport(value: unknown): value is AgentReport {
  if (typeof value !== 'object' || value === null) return false;
  if (!has(value, STRINGS, 'string') || !has(value, NUMBERS, 'number')) return false;
  const instance: unknown = Reflect.get(value, 'instance');
  if (instance === null) return true;
  if (typeof instance !== 'object') return false;
  return has(instance, INSTANCE_STRINGS, 'string') && has(instance, INSTANCE_NUMBERS, 'number');
}
