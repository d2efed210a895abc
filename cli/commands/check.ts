// check: what in these manifests keeps a group from working, or protects less than people think. Each finding
// has a remedy.

import type { CoreConfig } from '../../webhook/core/plan.ts';
import { isSilent } from '../../webhook/core/reasons.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { type Judged, judge } from '../judge.ts';
import type { Manifest } from '../manifest/parse.ts';
import { itemsOf } from '../manifest/workloads.ts';
import { isEnabled, namespacesIn, unasked } from '../namespaces.ts';
import { groupFindings, type Managed, serviceFindings } from './check-groups.ts';
import { objectFindings } from './check-objects.ts';
import { labelFindings, podFindings } from './check-pods.ts';
import type { Finding } from './finding.ts';
import { reportFindings } from './report-findings.ts';

export type Checked =
  | {
      readonly ok: true;
      readonly findings: readonly Finding[];
      /** What is said where there is no finding. */
      readonly nothing: string;
    }
  | { readonly ok: false; readonly errors: readonly string[] };

export function check(
  manifests: readonly Manifest[],
  core: CoreConfig,
  namespace: string,
  output: string,
): Outcome {
  const checked = findingsIn(manifests, core, namespace);
  if (!checked.ok) return outcome(EXIT.failed, '', checked.errors);
  const { findings, nothing } = checked;
  return reportFindings(findings, { output, nothing, isPartial: false });
}

export function findingsIn(
  manifests: readonly Manifest[],
  core: CoreConfig,
  namespace: string,
): Checked {
  const items = manifests.flatMap(({ values }) => itemsOf(values));
  const namespaces = namespacesIn(items);
  const judged: Judged[] = [];
  const errors: string[] = [];
  for (const manifest of manifests) {
    const judgement = judge(manifest, core, namespace, (name) => isEnabled(namespaces, name));
    if (judgement.ok) judged.push(...judgement.judged);
    else errors.push(...judgement.errors);
  }
  if (errors.length > 0) return { ok: false, errors };
  const managed = judged.flatMap((each): Managed[] => {
    const { workload, decision } = each;
    const isAsked = unasked(namespaces, each.namespace, workload.pod) === undefined;
    if (decision.kind === 'inject' && isAsked) return [{ ...each, group: decision.plan.group }];
    // Injected before: the group's Services matter all the same.
    const isDone = decision.kind === 'skip' && decision.reason.code === 'already-injected';
    const group = workload.pod.metadata?.labels?.['redis-orchestrator.io/group'];
    return isDone && group !== undefined ? [{ ...each, group }] : [];
  });
  const findings = [
    ...objectFindings(manifests),
    ...labelFindings(items),
    ...judged.flatMap((each) => podFindings(each, namespaces)),
    ...groupFindings(managed),
    ...serviceFindings(managed, items, namespace),
  ];
  return { ok: true, findings, nothing: nothingText(judged, items.length) };
}

function nothingText(judged: readonly Judged[], objects: number): string {
  const isRedis = ({ decision }: Judged): boolean =>
    decision.kind !== 'skip' || !isSilent(decision.reason.code);
  if (judged.some(isRedis)) return '√ nothing to say';
  // What was looked at: a person may have expected more.
  return `√ no Redis in these manifests: ${objects} objects, of which ${judged.length} make pods`;
}
