// uninject: the manifest as it was before an injection, by this program or by the webhook.

import type { Pod } from '../../webhook/core/pod.ts';
import { uninject as takeBack } from '../../webhook/core/uninject.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { unreadable, workloadsOf } from '../judge.ts';
import type { Manifest } from '../manifest/parse.ts';
import { faultOf, titleOf, type Workload } from '../manifest/workloads.ts';
import { changed, told } from './change.ts';
import { emptyNote, isEmpty } from './empty.ts';

export function uninject(manifest: Manifest, asDiff: boolean): Outcome {
  const notes: string[] = [];
  const errors: string[] = [];
  const changes: [Workload, Pod][] = [];
  if (isEmpty(manifest)) notes.push(emptyNote(manifest.name));
  for (const workload of workloadsOf(manifest)) {
    const title = `${manifest.name}: ${titleOf(workload.item)}`;
    const fault = faultOf(workload);
    if (fault !== undefined) {
      errors.push(unreadable(manifest, workload, fault));
      continue;
    }
    const { owner: _owner, ...injected } = workload.pod;
    const result = takeBack(injected);
    if (result.kind === 'left') {
      notes.push(`${title}: left as it is: ${told(result.reason)}`);
      continue;
    }
    notes.push(`${title}: taken back`);
    notes.push(...result.warnings.map((why) => `${title}: warning: ${told(why)}`));
    changes.push([workload, result.pod]);
  }
  if (errors.length > 0) return outcome(EXIT.failed, '', errors);
  return changed(manifest, changes, notes, asDiff);
}
