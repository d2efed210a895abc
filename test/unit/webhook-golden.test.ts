// Golden files: pod in, patch and report out. UPDATE_GOLDEN=1 writes them anew; read the difference.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { applyPatch } from 'rfc6902';
import { test } from 'tap';
import { parse } from 'yaml';
import { decide } from '../../webhook/core/decide.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { reasonText } from '../../webhook/core/reasons.ts';
import { uninject } from '../../webhook/core/uninject.ts';
import { CORE, NAMESPACE } from './webhook-fixtures.ts';

const directory = fileURLToPath(new URL('../golden/', import.meta.url));
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

function report(pod: Pod): { patch: readonly unknown[]; report: unknown } {
  const decision = decide(pod, NAMESPACE, CORE);
  switch (decision.kind) {
    case 'skip': {
      const { code } = decision.reason;
      const warnings = decision.warnings.map(reasonText);
      const why = { code, text: reasonText(decision.reason) };
      return { patch: [], report: { decision: 'skip', reason: why, warnings } };
    }
    case 'deny': {
      const reasons = decision.reasons.map((why) => ({ code: why.code, text: reasonText(why) }));
      return { patch: [], report: { decision: 'deny', reasons } };
    }
    case 'inject': {
      const warnings = decision.warnings.map((why) => ({ code: why.code, text: reasonText(why) }));
      const status: unknown = JSON.parse(decision.plan.status);
      const patch = toPatch(pod, decision.plan);
      return { patch, report: { decision: 'inject', warnings, status } };
    }
  }
}

for (const name of readdirSync(directory).sort()) {
  const file = (part: string): string => join(directory, name, part);
  if (!existsSync(file('pod.yaml'))) continue;
  void test(name, async (t) => {
    const pod = parse(readFileSync(file('pod.yaml'), 'utf8')) as Pod;
    const result = report(pod);
    for (const part of ['patch', 'report'] as const) {
      const path = file(`${part}.json`);
      const text = `${JSON.stringify(result[part], null, 2)}\n`;
      if (isUpdate) writeFileSync(path, text);
      t.equal(text, readFileSync(path, 'utf8'), `${part}.json`);
    }
    const patched = structuredClone(pod);
    const errors = applyPatch(patched, result.patch as Parameters<typeof applyPatch>[1]);
    t.ok(
      errors.every((error) => error === null),
      'the patch applies',
    );
    t.same(report(patched).patch, [], 'a second call gives no operation');
    if (result.patch.length === 0) return;
    const restored = uninject(patched);
    t.strictSame(restored, { kind: 'restored', pod, warnings: [] }, 'uninject gives the pod back');
  });
}
