// inject: the manifest as the webhook would make its pods.

import type { CoreConfig } from '../../webhook/core/plan.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import { INJECT_LABEL } from '../../src/names.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { judge } from '../judge.ts';
import { applyPatch } from '../manifest/apply-patch.ts';
import type { Manifest } from '../manifest/parse.ts';
import { itemsOf, titleOf, type Workload } from '../manifest/workloads.ts';
import { namespacesIn } from '../namespaces.ts';
import { changed, told } from './change.ts';
import { emptyNote, isEmpty } from './empty.ts';
import { workloadFindings } from './check-pods.ts';

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
  if (isEmpty(manifest)) notes.push(emptyNote(manifest.name));
  /** Of the last pod, by namespace. */
  const accounts = new Map<string, string>();
  for (const { workload, namespace: own, decision } of judgement.judged) {
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
        notes.push(
          ...decision.warnings.map((why) => `${title}: warning: ${told(why)}`),
          ...workloadFindings(workload.item, '').map(
            ({ text, code, remedy }) => `${title}: warning: ${text}; ${remedy} [${code}]`,
          ),
        );
        accounts.set(own, decision.plan.serviceAccount ?? ownAccount(workload.pod));
        const { owner: _owner, ...pod } = applyPatch(
          workload.pod,
          toPatch(workload.pod, decision.plan),
        ) as Pod;
        changes.push([workload, pod]);
      }
    }
  }
  if (refusals.length > 0) return outcome(EXIT.refused, '', refusals);
  const namespaces = namespacesIn(itemsOf(manifest.values));
  for (const [name, account] of accounts) {
    if (namespaces.get(name) !== 'enabled') notes.push(accountNote(manifest.name, name, account));
  }
  return changed(manifest, changes, notes, asDiff);
}

function ownAccount({ spec }: Pod): string {
  return spec?.serviceAccountName ?? spec?.serviceAccount ?? '';
}

/** Without account or Role the pods are refused, or their agents may do nothing. */
function accountNote(file: string, namespace: string, account: string): string {
  return (
    `${file}: note: the pods need service account ${account} with the agent's Role in namespace ${namespace}. ` +
    `The webhook makes both where the namespace has the label ${INJECT_LABEL}=enabled; without it ` +
    'take them from manifests/examples/hand-written-sidecar.yaml'
  );
}
