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
import type { Finding, Level } from './finding.ts';

const MARKS: Readonly<Record<Level, string>> = { ok: '√', warning: '‼', error: '×' };

export function check(
  manifests: readonly Manifest[],
  core: CoreConfig,
  namespace: string,
  asJson: boolean,
): Outcome {
  const items = manifests.flatMap(({ values }) => itemsOf(values));
  const namespaces = namespacesIn(items);
  const judged: Judged[] = [];
  const errors: string[] = [];
  for (const manifest of manifests) {
    const judgement = judge(manifest, core, namespace, (name) => isEnabled(namespaces, name));
    if (judgement.ok) judged.push(...judgement.judged);
    else errors.push(...judgement.errors);
  }
  if (errors.length > 0) return outcome(EXIT.failed, '', errors);
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
  return report(findings, judged, items.length, asJson);
}

function report(
  findings: readonly Finding[],
  judged: readonly Judged[],
  objects: number,
  asJson: boolean,
): Outcome {
  const has = (level: Level): boolean => findings.some((each) => each.level === level);
  const code = has('error') ? EXIT.critical : has('warning') ? EXIT.degraded : EXIT.ok;
  if (asJson) return outcome(code, `${JSON.stringify(findings, null, 2)}\n`);
  const isRedis = ({ decision }: Judged): boolean =>
    decision.kind !== 'skip' || !isSilent(decision.reason.code);
  const lines = findings.flatMap(({ level, about, text, code: name, remedy }) => [
    `${MARKS[level]} ${about}: ${text}${name === undefined ? '' : ` [${name}]`}`,
    ...(remedy === undefined ? [] : [`    ${remedy}`]),
  ]);
  if (lines.length === 0) {
    // What was looked at: a person may have expected more.
    const seen = `${objects} objects, of which ${judged.length} make pods`;
    lines.push(
      judged.some(isRedis) ? '√ nothing to say' : `√ no Redis in these manifests: ${seen}`,
    );
  }
  return outcome(code, `${lines.join('\n')}\n`);
}
