// inject: the manifest as the webhook would make its pods.

import type { CoreConfig } from '../../webhook/core/plan.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { judge } from '../judge.ts';
import { applyPatch } from '../manifest/apply-patch.ts';
import type { Manifest } from '../manifest/parse.ts';
import { titleOf, type Workload } from '../manifest/workloads.ts';
import { changed, told } from './change.ts';

export function inject(
  manifest: Manifest,
  core: CoreConfig,
  namespace: string,
  asDiff: boolean,
): Outcome {
  // Who calls this asks for the injection, as the label of a namespace does.
  const judgement = judge(manifest, core, namespace, () => true);
  if (!judgement.ok) return outcome(EXIT.failed, '', judgement.errors);
  const notes: string[] = [];
  const refusals: string[] = [];
  const changes: [Workload, Pod][] = [];
  for (const { workload, decision } of judgement.judged) {
    const title = `${manifest.name}: ${titleOf(workload.item)}`;
    switch (decision.kind) {
      case 'deny':
        refusals.push(...decision.reasons.map((why) => `${title}: refused: ${told(why)}`));
        break;
      case 'skip':
        notes.push(`${title}: skipped: ${told(decision.reason)}`);
        notes.push(...decision.warnings.map((why) => `${title}: warning: ${told(why)}`));
        break;
      case 'inject': {
        notes.push(`${title}: injected, group ${decision.plan.group}`);
        notes.push(...decision.warnings.map((why) => `${title}: warning: ${told(why)}`));
        const { owner: _owner, ...pod } = applyPatch(
          workload.pod,
          toPatch(workload.pod, decision.plan),
        ) as Pod;
        changes.push([workload, pod]);
      }
    }
  }
  if (refusals.length > 0) return outcome(EXIT.refused, '', refusals);
  return changed(manifest, changes, notes, asDiff);
}
