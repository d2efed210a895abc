// What check --pre finds at the API server itself: its version, its clock, and whether it serves all that an
// installation and its agents ask for. Pure.

import { formatDuration } from '../../src/duration.ts';
import { type Fields, isMap } from '../../src/json.ts';
import type { BaseObject } from '../base-objects.ts';
import { type Finding, type Seen, unseen } from './finding.ts';

/** The oldest that the tests run on. */
const MINOR_MIN = 28;
/** The date of an answer has whole seconds, and the way takes time. */
const CLOCK_MAX_MS = 5000;

export type Resource = {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
};

/** By apiVersion; null: it is not served. */
export type Served = ReadonlyMap<string, Seen<readonly Resource[] | null>>;

export type ApiFacts = {
  /** As in v1.36.2. */
  readonly gitVersion: string;
  /** Of this machine against the API server; null: it tells no time. */
  readonly aheadMs: number | null;
  readonly served: Served;
};

/** One resource that is asked for: objects are known by their kind, rights by the name of the resource. */
export type NeededResource = { readonly apiVersion: string } & (
  | { readonly kind: string }
  | { readonly name: string }
);

/** What is installed, and what its roles allow, which is what the webhook, the agents and people ask for. */
export function neededResources(objects: readonly BaseObject[]): readonly NeededResource[] {
  const needed = [
    ...objects.map(({ apiVersion, kind }) => ({ apiVersion, kind })),
    ...objects.flatMap(({ value }) => rulesOf(value).flatMap(resourcesOf)),
  ];
  return [...new Map(needed.map((each) => [JSON.stringify(each), each])).values()];
}

function rulesOf({ rules }: Fields): readonly Fields[] {
  return Array.isArray(rules) ? rules.filter(isMap) : [];
}

function resourcesOf(rule: Fields): readonly NeededResource[] {
  const groups = textsOf(rule['apiGroups']);
  // A part of a resource (pods/proxy) is there where the resource is.
  const names = textsOf(rule['resources']).filter((name) => !name.includes('/'));
  return groups.flatMap((group) =>
    // All that we use is at its first stable version.
    names.map((name) => ({ apiVersion: group === '' ? 'v1' : `${group}/v1`, name })),
  );
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

export function apiFindings(
  { gitVersion, aheadMs, served }: ApiFacts,
  needed: readonly NeededResource[],
): readonly Finding[] {
  return [versionFinding(gitVersion), ...clockFindings(aheadMs), ...servedFindings(served, needed)];
}

function versionFinding(gitVersion: string): Finding {
  const about = 'API server';
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  const text = `it answers, Kubernetes ${gitVersion}`;
  if (Number(major) > 1 || Number(minor) >= MINOR_MIN) return { level: 'ok', about, text };
  return {
    level: 'warning',
    about,
    code: 'kubernetes-old',
    text: `${text}, which is older than 1.${MINOR_MIN}, the oldest that this was tested on`,
    remedy: `upgrade the cluster to 1.${MINOR_MIN} or newer, or try it where nothing is lost`,
  };
}

function clockFindings(aheadMs: number | null): readonly Finding[] {
  const about = 'clock';
  if (aheadMs === null) return [];
  if (Math.abs(aheadMs) <= CLOCK_MAX_MS) {
    return [{ level: 'ok', about, text: 'this machine and the API server agree about the time' }];
  }
  const apart = formatDuration(Math.round(Math.abs(aheadMs) / 1000) * 1000);
  const text = `this machine is ${apart} ${aheadMs > 0 ? 'ahead of' : 'behind'} the API server`;
  const remedy =
    'let both be set by NTP, and look at the nodes as well: certificates and tokens go by these clocks';
  return [{ level: 'warning', about, code: 'clock-differs', text, remedy }];
}

function servedFindings(served: Served, needed: readonly NeededResource[]): readonly Finding[] {
  const about = 'API';
  const closed = [...served.values()].flatMap((each) => (each.ok ? [] : [each.why]));
  const missing = needed.filter((each) => {
    const answer = served.get(each.apiVersion);
    return answer?.ok === true && resourceOf(served, each) === undefined;
  });
  const remedy =
    'switch the API on (--runtime-config of kube-apiserver), or ask whoever runs the cluster';
  const findings: readonly Finding[] = [
    ...missing.map((each) => ({
      level: 'error' as const,
      about,
      code: 'api-missing',
      text: `${'kind' in each ? each.kind : each.name} of ${each.apiVersion} is not served`,
      remedy,
    })),
    ...[...new Set(closed)].map((why) => unseen(about, why)),
  ];
  const groups = new Set(needed.map(({ apiVersion }) => apiVersion));
  const text = `all that is needed is served (${[...groups].toSorted().join(', ')})`;
  return findings.length > 0 ? findings : [{ level: 'ok', about, text }];
}

/** Undefined: it is not served, or nobody knows. */
export function resourceOf(served: Served, needed: NeededResource): Resource | undefined {
  const answer = served.get(needed.apiVersion);
  const resources = (answer?.ok === true ? answer.value : null) ?? [];
  return resources.find(({ name, kind }) =>
    // Parts of a resource (deployments/scale) may have the kind of another.
    'kind' in needed ? kind === needed.kind && !name.includes('/') : name === needed.name,
  );
}
