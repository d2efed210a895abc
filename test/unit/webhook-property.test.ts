// For pods of every shape: the patch applies in an independent library, a second call does nothing,
// and nothing of the person's is lost.

import { strict as assert } from 'node:assert';
import * as fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import type { Container } from '../../webhook/core/pod.ts';
import { reasonText } from '../../webhook/core/reasons.ts';
import { uninject } from '../../webhook/core/uninject.ts';
import { CORE, NAMESPACE } from './webhook-fixtures.ts';
import { likelyPod, pod } from './webhook-pods.ts';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What of the person's pod must be found again, whatever is added. */
function kept(original: Container, patched: Container | undefined): boolean {
  if (patched === undefined) return false;
  const isToken = (path: string): boolean => path === TOKEN_PATH;
  const words = [...(original.args ?? [])];
  const start = (patched.args ?? []).slice(0, words.length);
  const isShell = JSON.stringify(start) !== JSON.stringify(words);
  const mounts = (original.volumeMounts ?? []).filter(({ mountPath }) => !isToken(mountPath));
  const now = JSON.stringify(
    (patched.volumeMounts ?? []).filter(({ mountPath }) => !isToken(mountPath)),
  );
  return (
    patched.name === original.name &&
    patched.image === original.image &&
    (!isShell ||
      start.every((each, index) =>
        each.startsWith((words[index] ?? '').replace(/[\s\\]+$/, '')),
      )) &&
    JSON.stringify(mounts) === now &&
    (original.env ?? []).every((entry) => patched.env?.some(({ name }) => name === entry.name))
  );
}

void test('patches apply, are idempotent and lose nothing', async (t) => {
  let injected = 0;
  fc.assert(
    fc.property(pod, fc.boolean(), (original, nativeSidecar) => {
      const config = { ...CORE, nativeSidecar };
      const decision = decide(original, NAMESPACE, config);
      if (decision.kind !== 'inject') return;
      injected++;
      const patch = toPatch(original, decision.plan);
      const patched = structuredClone(original);
      const errors = applyPatch(
        patched,
        structuredClone(patch) as Parameters<typeof applyPatch>[1],
      );
      if (errors.some((error) => error !== null)) throw new Error(String(errors.find(Boolean)));
      const again = decide(patched, NAMESPACE, config);
      if (again.kind !== 'skip' || again.reason.code !== 'already-injected') {
        throw new Error(`a second call: ${again.kind}`);
      }
      for (const [index, each] of (original.spec?.containers ?? []).entries()) {
        if (!kept(each, patched.spec?.containers?.[index])) throw new Error(`${each.name} changed`);
      }
      for (const part of ['labels', 'annotations'] as const) {
        for (const [name, value] of Object.entries(original.metadata?.[part] ?? {})) {
          // A status without an agent was copied from somewhere.
          if (name === 'redis-orchestrator.io/status') continue;
          if (patched.metadata?.[part]?.[name] !== value)
            throw new Error(`${part} ${name} changed`);
        }
      }
      const grace = original.spec?.terminationGracePeriodSeconds ?? 0;
      if ((patched.spec?.terminationGracePeriodSeconds ?? grace) < grace) throw new Error('grace');
      if (decision.warnings.some((why) => reasonText(why).length > 120)) throw new Error('warning');
    }),
    { numRuns: 10_000, seed: 20_261_124 },
  );
  t.comment(`${injected} pods were injected`);
  t.ok(injected > 300, `${injected} pods were injected`);
});

/** More for a thorough run: RO_UNINJECT_RUNS=100000 */
const RUNS = Number(process.env['RO_UNINJECT_RUNS'] ?? '5000');

void test('uninject gives back the very pod', { timeout: 1_800_000 }, async (t) => {
  const startMs = performance.now();
  let injected = 0;
  let longest = 0;
  fc.assert(
    fc.property(fc.oneof(pod, likelyPod), fc.boolean(), (original, nativeSidecar) => {
      const decision = decide(original, NAMESPACE, { ...CORE, nativeSidecar });
      if (decision.kind !== 'inject') return;
      injected++;
      longest = Math.max(longest, decision.plan.status.length);
      const patched = structuredClone(original);
      const patch = structuredClone(toPatch(original, decision.plan));
      applyPatch(patched, patch as Parameters<typeof applyPatch>[1]);
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
