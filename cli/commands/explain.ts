// explain: what the webhook would do to each pod, and by which rule.

import { AGENT_CONTAINER, INJECT_LABEL } from '../../src/names.ts';
import { findRedis, type Rule } from '../../webhook/core/find-container.ts';
import type { CoreConfig, Plan } from '../../webhook/core/plan.ts';
import { type PatchOperation, toPatch } from '../../webhook/core/patch.ts';
import { labelsOf, type Pod } from '../../webhook/core/pod.ts';
import { type Reason, reasonText } from '../../webhook/core/reasons.ts';
import { EXIT, type Outcome, outcome } from '../exit-codes.ts';
import { type Judged, judge } from '../judge.ts';
import type { Manifest } from '../manifest/parse.ts';
import { itemsOf, titleOf } from '../manifest/workloads.ts';
import { isEnabled, type Namespaces, namespacesIn, unasked } from '../namespaces.ts';
import { jsonText, printable } from '../printable.ts';
import { additionsOf } from './additions.ts';
import { emptyNote, isEmpty } from './empty.ts';

type Told = { readonly code: string; readonly text: string };

type Explanation = {
  readonly file: string;
  /** Counted from 1. */
  readonly document: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly decision: 'inject' | 'skip' | 'deny';
  readonly reasons: readonly Told[];
  readonly weaknesses: readonly Told[];
  readonly container?: string;
  readonly rule?: Rule;
  readonly status?: unknown;
  readonly adds?: readonly string[];
  readonly patch?: readonly PatchOperation[];
};

const RULES: Readonly<Record<Rule, string>> = {
  annotation: 'by the annotation redis-orchestrator.io/container',
  image: 'by its image',
  command: 'by its command',
  port: 'by its port, because the pod itself asks to be injected',
};

export function explain(
  manifests: readonly Manifest[],
  core: CoreConfig,
  namespace: string,
  asJson: boolean,
): Outcome {
  const namespaces = namespacesIn(manifests.flatMap(({ values }) => itemsOf(values)));
  const errors: string[] = [];
  const blocks: string[] = [];
  const explanations: Explanation[] = [];
  for (const manifest of manifests) {
    const judgement = judge(manifest, core, namespace, (name) => isEnabled(namespaces, name));
    if (!judgement.ok) errors.push(...judgement.errors);
    else {
      for (const judged of judgement.judged) {
        const explanation = explanationOf(manifest, judged, namespaces);
        explanations.push(explanation);
        blocks.push(blockOf(explanation, judged, namespaces));
      }
    }
  }
  if (errors.length > 0) return outcome(EXIT.failed, '', errors);
  if (asJson) return outcome(EXIT.ok, `${jsonText(explanations, 2)}\n`);
  const empty = manifests.filter(isEmpty).map(({ name }) => emptyNote(name));
  if (blocks.length === 0 && empty.length < manifests.length) {
    return outcome(EXIT.ok, 'nothing here is a pod or makes pods\n', empty);
  }
  return outcome(EXIT.ok, blocks.join('\n'), empty);
}

function tell(why: Reason): Told {
  return { code: why.code, text: reasonText(why) };
}

function explanationOf(
  manifest: Manifest,
  { workload, namespace, decision }: Judged,
  namespaces: Namespaces,
): Explanation {
  const { item, pod } = workload;
  const { kind, name } = item;
  const about = { file: manifest.name, document: item.document + 1, kind, namespace, name };
  const never = unasked(namespaces, namespace, pod);
  if (never !== undefined) {
    return { ...about, decision: 'skip', reasons: [tell(never)], weaknesses: [] };
  }
  switch (decision.kind) {
    case 'skip': {
      const weaknesses = decision.warnings.map(tell);
      return { ...about, decision: 'skip', reasons: [tell(decision.reason)], weaknesses };
    }
    case 'deny':
      return { ...about, decision: 'deny', reasons: decision.reasons.map(tell), weaknesses: [] };
    case 'inject': {
      const { plan } = decision;
      const rule = ruleOf(pod);
      return {
        ...about,
        decision: 'inject',
        reasons: [],
        weaknesses: decision.warnings.map(tell),
        container: plan.containerName,
        ...(rule === undefined ? {} : { rule }),
        status: JSON.parse(plan.status) as unknown,
        adds: additionsOf(pod, plan),
        patch: toPatch(pod, plan),
      };
    }
  }
}

function ruleOf(pod: Pod): Rule | undefined {
  const found = findRedis(pod, labelsOf(pod)[INJECT_LABEL] === 'enabled');
  return found.kind === 'one' ? found.rule : undefined;
}

function blockOf(
  told: Explanation,
  { workload, decision }: Judged,
  namespaces: Namespaces,
): string {
  const title = titleOf({ ...workload.item, namespace: told.namespace });
  const lines = [`${title}: ${sentence(told, namespaces, workload.pod)}`];
  if (decision.kind === 'inject' && told.decision === 'inject') {
    lines.push(...planLines(told, decision.plan));
  }
  const weak = told.weaknesses.map(({ code, text }) => `  ! ${text} [${code}]`);
  return [...lines, ...weak, ''].map(printable).join('\n');
}

function sentence(
  { decision, reasons, namespace }: Explanation,
  known: Namespaces,
  pod: Pod,
): string {
  const why = reasons.map(({ code, text }) => `${text} [${code}]`).join('; ');
  switch (decision) {
    case 'skip':
      return `would be left alone: ${why}`;
    case 'deny':
      return `would be refused: ${why}`;
    case 'inject': {
      // A misspelt value is no label: then the namespace decides.
      const isCertain = known.has(namespace) || labelsOf(pod)[INJECT_LABEL] === 'enabled';
      return isCertain
        ? 'would be injected'
        : `would be injected, if namespace ${namespace} has the label ${INJECT_LABEL}=enabled`;
    }
  }
}

function planLines({ rule, status, adds = [] }: Explanation, plan: Plan): string[] {
  const { port, tls, auth } = status as { port: number; tls: boolean; auth: string };
  const row = (left: string, text: string): string => `  ${left.padEnd(10)}${text}`;
  const told = rule === undefined ? '' : `, ${RULES[rule]}`;
  return [
    row('Redis', `container ${plan.containerName}${told}`),
    row('', `port ${port}, ${tls ? 'TLS' : 'no TLS'}, password: ${auth}`),
    row('group', plan.group),
    ...adds.map((text, index) => row(index === 0 ? 'adds' : '', text)),
    ...(adds.length === 0 ? [row('adds', AGENT_CONTAINER)] : []),
  ];
}
