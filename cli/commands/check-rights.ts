// What check --pre finds at the rights of whoever is going to install, and what the API server says to a dry run
// of it. Pure.

import type { BaseObject } from '../base-objects.ts';
import { resourceOf, type Served } from './check-api.ts';
import { type Finding, type Seen, unseen } from './finding.ts';

/** As kubectl apply needs them, and helm. */
const VERBS = ['get', 'create', 'patch'] as const;

export type Need = {
  readonly verb: (typeof VERBS)[number];
  readonly group: string;
  readonly resource: string;
  /** Null: it has none. */
  readonly namespace: string | null;
  /** Null: a name that is to be made is not judged. */
  readonly name: string | null;
};

/** One object of the installation, where it will be. */
export type Place = {
  readonly object: BaseObject;
  readonly resource: string;
  readonly namespace: string | null;
};

/** What is not served has no place: that is told of already. */
export function placesOf(
  objects: readonly BaseObject[],
  served: Served,
  systemNamespace: string,
): readonly Place[] {
  return objects.flatMap((object) => {
    const found = resourceOf(served, object);
    if (found === undefined) return [];
    const namespace = found.namespaced ? systemNamespace : null;
    return [{ object, resource: found.name, namespace }];
  });
}

export function needsOf(places: readonly Place[]): readonly Need[] {
  const needs = places.flatMap((place) => VERBS.map((verb) => needOf(place, verb)));
  return [...new Map(needs.map((need) => [JSON.stringify(need), need])).values()];
}

function needOf({ object, resource, namespace }: Place, verb: Need['verb']): Need {
  const { apiVersion, name } = object;
  const group = apiVersion.includes('/') ? apiVersion.replace(/\/.*$/, '') : '';
  return { verb, group, resource, namespace, name: verb === 'create' ? null : name };
}

export type Allowance = { readonly need: Need; readonly isAllowed: Seen<boolean> };

export function mayApply(place: Place, allowances: readonly Allowance[]): boolean {
  const keys = new Set(VERBS.map((verb) => JSON.stringify(needOf(place, verb))));
  const own = allowances.filter(({ need }) => keys.has(JSON.stringify(need)));
  return own.length > 0 && own.every(({ isAllowed }) => isAllowed.ok && isAllowed.value);
}

export function rightFindings(allowances: readonly Allowance[]): readonly Finding[] {
  const about = 'rights';
  const denied = new Map<string, Set<string>>();
  for (const { need, isAllowed } of allowances) {
    if (!isAllowed.ok || isAllowed.value) continue;
    const { verb, group, resource, namespace } = need;
    const what = `${resource}${group === '' ? '' : `.${group}`}`;
    const where = namespace === null ? '' : ` in namespace ${namespace}`;
    const verbs = denied.get(`${what}${where}`) ?? new Set();
    denied.set(`${what}${where}`, verbs.add(verb));
  }
  const closed = allowances.flatMap(({ isAllowed }) => (isAllowed.ok ? [] : [isAllowed.why]));
  const remedy = 'let somebody install it who may: a cluster-admin, as a rule';
  const findings: readonly Finding[] = [
    ...[...denied].map(([what, verbs]) => ({
      level: 'error' as const,
      about,
      code: 'right-missing',
      text: `you may not ${[...verbs].join(', ')} ${what}`,
      remedy,
    })),
    ...[...new Set(closed)].map((why) => unseen(about, why)),
  ];
  const kinds = new Set(allowances.map(({ need }) => need.resource)).size;
  const text = `you may make all that is installed (${kinds} resources)`;
  return findings.length > 0 || kinds === 0 ? findings : [{ level: 'ok', about, text }];
}

/** `status` 0: there was no answer. */
export type Trial = {
  readonly place: Place;
  readonly refusal: { readonly status: number; readonly detail: string } | null;
};

export function trialFindings(trials: readonly Trial[]): readonly Finding[] {
  const findings = trials.flatMap(({ place, refusal }) => {
    // What it refers to is not there in a dry run: a binding's role.
    if (refusal === null || refusal.status === 404) return [];
    const { kind, name } = place.object;
    return [refusalFinding(`${kind} ${name}`, refusal)];
  });
  const tried = trials.filter(({ refusal }) => refusal === null).length;
  const text = `the API server would take it: ${tried} objects in a dry run`;
  return findings.length > 0 || tried === 0 ? findings : [{ level: 'ok', about: 'dry run', text }];
}

function refusalFinding(about: string, { status, detail }: { status: number; detail: string }) {
  if (status === 0) return unseen(about, detail);
  const isEscalation = /attempting to grant RBAC permissions/.test(detail);
  return {
    level: 'error' as const,
    about,
    code: isEscalation ? 'rights-not-held' : 'refused',
    text: `the API server would refuse it: ${detail.split('\n')[0] ?? ''}`,
    remedy: isEscalation
      ? 'who grants a right must hold it: let a cluster-admin install, or somebody with `escalate`'
      : 'ask whoever set this rule for an exception, or change what is installed',
  };
}
