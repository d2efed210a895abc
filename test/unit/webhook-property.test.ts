// For pods of every shape: the patch applies in an independent library, a second call does nothing,
// and nothing of the person's is lost.

import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { reasonText } from '../../webhook/core/reasons.ts';
import { uninject } from '../../webhook/core/uninject.ts';
import { lostParts } from '../golden-pods/kept.ts';
import { CORE, NAMESPACE, patchedBy } from './webhook-fixtures.ts';
import { likelyPod, pod } from './webhook-pods.ts';

/** More for a thorough run: npm run property:webhook. */
const RUNS = Number(process.env['RO_PROPERTY_RUNS'] ?? '8000');
const LONG = { timeout: 1_800_000 };

/** A status without an agent was copied from somewhere: it is replaced. */
function withoutStatus(original: Pod): Pod {
  const { 'redis-orchestrator.io/status': _status, ...annotations } =
    original.metadata?.annotations ?? {};
  return { ...original, metadata: { ...original.metadata, annotations } };
}

void test('patches apply, are idempotent and lose nothing', LONG, async (t) => {
  let injected = 0;
  fc.assert(
    fc.property(fc.oneof(pod, likelyPod), fc.boolean(), (original, nativeSidecar) => {
      const config = { ...CORE, nativeSidecar };
      const decision = decide(original, NAMESPACE, config);
      if (decision.kind !== 'inject') return;
      injected++;
      const patched = patchedBy(original, decision.plan);
      const again = decide(patched, NAMESPACE, config);
      if (again.kind !== 'skip' || again.reason.code !== 'already-injected') {
        throw new Error(`a second call: ${again.kind}`);
      }
      const [fault] = lostParts(withoutStatus(original), patched);
      if (fault !== undefined) throw new Error(fault);
      if (decision.warnings.some((why) => reasonText(why).length > 120)) throw new Error('warning');
    }),
    { numRuns: RUNS, seed: 20_261_124 },
  );
  t.comment(`${injected} of ${RUNS} pods were injected`);
  t.ok(injected > RUNS / 10, `${injected} pods were injected`);
});

void test('uninject gives back the very pod', LONG, async (t) => {
  const startMs = performance.now();
  let injected = 0;
  let longest = 0;
  fc.assert(
    fc.property(fc.oneof(pod, likelyPod), fc.boolean(), (original, nativeSidecar) => {
      const decision = decide(original, NAMESPACE, { ...CORE, nativeSidecar });
      if (decision.kind !== 'inject') return;
      injected++;
      longest = Math.max(longest, decision.plan.status.length);
      const patched = patchedBy(original, decision.plan);
      const untouched = JSON.stringify(patched);
      const restored = uninject(patched);
      if (restored.kind !== 'restored') throw new Error(restored.reason.code);
      assert.deepEqual(restored.pod, structuredClone(original));
      assert.equal(JSON.stringify(patched), untouched, 'the argument is left alone');
      assert.deepEqual(restored.warnings, []);
      const again = uninject(restored.pod);
      assert.equal(again.kind, 'left');
    }),
    { numRuns: RUNS, seed: 20_261_128 },
  );
  const tookS = ((performance.now() - startMs) / 1000).toFixed(1);
  t.comment(`${injected} of ${RUNS} pods were injected, in ${tookS} s; longest status ${longest}`);
  t.ok(injected > RUNS / 10, `${injected} pods were injected`);
});
