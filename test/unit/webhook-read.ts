// How the webhook reads a pod, for tests: its decision, what it tells, and the containers that come out. Each
// injection is also taken back.

import { strict as assert } from 'node:assert';
import type { Test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { Decision } from '../../webhook/core/plan.ts';
import { type Container, list, type Pod } from '../../webhook/core/pod.ts';
import { reasonText } from '../../webhook/core/reasons.ts';
import { reasonsOf } from '../../webhook/core/told.ts';
import { uninject } from '../../webhook/core/uninject.ts';
import { CORE, NAMESPACE, patchedBy, redisPod } from './webhook-fixtures.ts';

export type Read = {
  readonly decision: Decision;
  readonly after: Pod;
  /** All that is told. */
  readonly codes: readonly string[];
  readonly texts: readonly string[];
  readonly redis: Container | undefined;
  readonly agent: Container | undefined;
};

export function read(
  container: Partial<Container>,
  spec: Partial<Pod['spec']> = {},
  metadata: Partial<Pod['metadata']> = {},
): Read {
  const plain = redisPod(container);
  const pod: Pod = {
    ...plain,
    metadata: { ...plain.metadata, ...metadata },
    spec: { containers: [], ...plain.spec, ...spec },
  };
  const decision = decide(pod, NAMESPACE, CORE);
  const warnings = reasonsOf(decision);
  const after = decision.kind === 'inject' ? patchedBy(pod, decision.plan) : pod;
  const named = (name: string): Container | undefined =>
    [...list(after.spec?.initContainers), ...list(after.spec?.containers)].find(
      (each) => each.name === name,
    );
  if (decision.kind === 'inject') {
    const back = uninject(after);
    if (back.kind !== 'restored' || back.warnings.length > 0) throw new Error('not taken back');
    assert.deepEqual(back.pod, structuredClone(pod), 'uninject gives the very pod');
  }
  return {
    decision,
    after,
    codes: warnings.map(({ code }) => code),
    texts: warnings.map(reasonText),
    redis: named('redis'),
    agent: named('redis-orchestrator'),
  };
}

/** Literal values of the agent's environment. */
export function environment({ agent }: Read): Record<string, string> {
  return Object.fromEntries(
    list(agent?.env).flatMap(({ name, value }) => (value == null ? [] : [[name, value]])),
  );
}

export function isInjected(t: Test, how: Read, why: string): void {
  t.equal(how.decision.kind, 'inject', why);
}
