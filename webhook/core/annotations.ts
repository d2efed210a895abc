// Annotations by which a person steers the agent of a pod: checked here by the agent's own table, so that a
// mistake is told at admission and not by a container that does not start.

import {
  ADOPT_FROM_ANNOTATION,
  DISCARD_DATA_ANNOTATION,
  GROUP_LABEL,
  INJECT_LABEL,
  MIRROR_ANNOTATION,
  POD_ANNOTATIONS,
  policyAnnotation,
  PREFIX,
  ROUTE_LABEL,
  STATUS_ANNOTATION,
} from '../../src/names.ts';
import { optionFault, type OptionSpec, valuesOf } from '../../src/options.ts';
import { POLICY_OPTIONS } from '../../src/policy.ts';
import { annotationsOf, type EnvVar, labelsOf, type Pod } from './pod.ts';
import { type Reason, reason } from './reasons.ts';

const LABELS: ReadonlySet<string> = new Set([INJECT_LABEL, GROUP_LABEL, ROUTE_LABEL]);
const POLICIES: readonly (readonly [annotation: string, spec: OptionSpec])[] = Object.values(
  POLICY_OPTIONS,
).map((spec) => [policyAnnotation(spec.flag), spec]);
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.values(POD_ANNOTATIONS),
  ...POLICIES.map(([annotation]) => annotation),
  STATUS_ANNOTATION,
  MIRROR_ANNOTATION,
  DISCARD_DATA_ANNOTATION,
  ADOPT_FROM_ANNOTATION,
  GROUP_LABEL,
]);
/** A message has at most 120 characters. */
const SHOWN_MAX = 30;

export type Policy = {
  /** For the agent. */
  readonly env: readonly EnvVar[];
  readonly killsFrozen: boolean;
  readonly warnings: readonly Reason[];
  readonly errors: readonly Reason[];
};

export function readPolicy(pod: Pod): Policy {
  const annotations = annotationsOf(pod);
  const env: EnvVar[] = [];
  const errors: Reason[] = [];
  const invalid = (annotation: string, value: string, remedy: string): void => {
    errors.push(
      reason('annotation-invalid', { annotation, value: value.slice(0, SHOWN_MAX), remedy }),
    );
  };
  for (const [annotation, spec] of POLICIES) {
    const value = annotations[annotation];
    if (value === undefined) continue;
    const isFaulty = value === '' || optionFault(spec, value, annotation) !== undefined;
    if (isFaulty) invalid(annotation, value, valuesOf(spec));
    else env.push({ name: spec.env, value });
  }
  const of = ({ flag }: { flag: string }): string | undefined =>
    annotations[policyAnnotation(flag)];
  // The agent refuses both together: isolation needs up to three seconds.
  if (of(POLICY_OPTIONS.isolation) === 'true' && of(POLICY_OPTIONS.timingProfile) === 'fast') {
    const { flag } = POLICY_OPTIONS.timingProfile;
    invalid(policyAnnotation(flag), 'fast', 'balanced or calm, beside isolation');
  }
  const killsFrozen = of(POLICY_OPTIONS.killFrozen) === 'true';
  const sharesProcesses = pod.spec?.shareProcessNamespace === true;
  return {
    env,
    killsFrozen,
    warnings: [
      ...unknownLabels(Object.keys(labelsOf(pod))).map((label) =>
        reason('label-unknown', { label: label.slice(0, 60) }),
      ),
      ...unknownAnnotations(annotations),
      ...(killsFrozen && !sharesProcesses ? [reason('kill-unavailable')] : []),
    ],
    errors,
  };
}

/** Which of these labels were meant for us, and nothing reads them. */
export function unknownLabels(names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    // Of this name or nearly: `redis-orchestrator/inject` was meant for us.
    const prefix = name.slice(0, Math.max(name.indexOf('/'), 0));
    return /redis-?orchestrator/i.test(prefix) && !LABELS.has(name);
  });
}

/** A name that is misspelt would be ignored without a word. */
function unknownAnnotations(annotations: Readonly<Record<string, string>>): readonly Reason[] {
  return Object.keys(annotations)
    .filter((name) => name.startsWith(`${PREFIX}/`) && !KNOWN.has(name))
    .map((name) => reason('annotation-unknown', { annotation: name.slice(0, 60) }));
}
