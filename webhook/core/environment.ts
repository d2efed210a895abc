// Copies of the environment that a value of the Redis container depends on. `$(VAR)` is expanded by
// Kubernetes from variables that were defined before it, `$$(VAR)` is an escape, and what the
// webhook cannot see (a Secret's content) is copied as a reference, never read.

import { DOWNWARD_FIELDS } from './downward.ts';
import { type Container, type EnvFromSource, type EnvVar, envOf, list } from './pod.ts';

export type CopiedEnv = {
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFromSource[];
  /** Variables that nothing defines, or that are too many to be copied. */
  readonly unknown: readonly string[];
  readonly origin: 'secret' | 'configmap' | 'literal' | 'other';
};

const REFERENCE = /(\$?)\$\(([A-Za-z_][\w.-]*)\)/g;

/** Names of the variables that a value refers to. */
export function referencesIn(value: string): string[] {
  return [...value.matchAll(REFERENCE)].flatMap(([, escape, name]) =>
    escape === '$' || name === undefined ? [] : [name],
  );
}

/** The variable of a value that is nothing but a reference. */
function wholeReference(value: string): string | undefined {
  return /^\$\(([A-Za-z_][\w.-]*)\)$/.exec(value)?.[1];
}

/** Whether `envFrom` may define a variable of this name: what a Secret or ConfigMap holds is not visible. */
export function mayComeFromSources(container: Container, name: string): boolean {
  return list(container.envFrom).some(({ prefix = '' }) => name.startsWith(prefix));
}

/** Longer than any port or path; variables that refer to each other could grow without end. */
const RESOLVED_MAX = 4096;
/** More variables than any password or path is made of: each costs a look through all of them, and depth. */
const VARIABLES_MAX = 100;

/** The text with references to literal variables filled in; undefined where one is not visible. */
export function resolveText(container: Container, value: string): string | undefined {
  // Each variable is looked at once: many that name each other many times would take for ever.
  const known = new Map<string, string | undefined>();
  const resolve = (text: string): string | undefined => {
    let isVisible = text.length <= RESOLVED_MAX;
    if (!isVisible) return undefined;
    const filled = text.replace(REFERENCE, (whole, escape: string, name: string) => {
      if (escape === '$') return whole.slice(1);
      if (!known.has(name) && known.size < VARIABLES_MAX) {
        // One that refers to itself stays unknown.
        known.set(name, undefined);
        const entry = envOf(container, name);
        const isLiteral = entry !== undefined && (entry.valueFrom ?? undefined) === undefined;
        known.set(name, isLiteral ? resolve(entry.value ?? '') : undefined);
      }
      const inner = known.get(name);
      if (inner === undefined) isVisible = false;
      return inner ?? '';
    });
    return isVisible && filled.length <= RESOLVED_MAX ? filled : undefined;
  };
  return resolve(value);
}

/** A variable's literal value, or undefined. */
export function literalEnv(container: Container, ...names: string[]): string | undefined {
  for (const name of names) {
    const entry = envOf(container, name);
    const value = entry?.value ?? '';
    if ((entry?.valueFrom ?? undefined) === undefined && value !== '') {
      return resolveText(container, value);
    }
  }
  return undefined;
}

function originOf(valueFrom: Record<string, unknown>): CopiedEnv['origin'] {
  if ('secretKeyRef' in valueFrom) return 'secret';
  return 'configMapKeyRef' in valueFrom ? 'configmap' : 'other';
}

/** Entries that define `target` in another container with the value that `name` has in this one. */
export function copyVariable(container: Container, name: string, target: string): CopiedEnv {
  return copyValue(container, `$(${name})`, target);
}

/** Names that mean something else in the agent's container: a copy of the person's gets another. */
function isTaken(name: string, target: string): boolean {
  return name === target || name.startsWith('RO_') || Object.hasOwn(DOWNWARD_FIELDS, name);
}

/** Entries that define `target` as `value`, with all that the value refers to. */
export function copyValue(container: Container, value: string, target: string): CopiedEnv {
  const env: EnvVar[] = [];
  const envFrom = new Set<EnvFromSource>();
  const unknown = new Set<string>();
  let origin: CopiedEnv['origin'] = 'literal';
  let looks = 0;
  const defined = new Map<string, EnvVar | undefined>();
  const variables = list(container.env);
  // Kubernetes expands a variable once, by what is defined before it: copies keep order and names.
  const define = (name: string, as: string, before: number): void => {
    if (looks++ >= VARIABLES_MAX) {
      // What is not copied must be told, once: the agent would have another password.
      if (looks === VARIABLES_MAX + 1) unknown.add(name);
      return;
    }
    const at = variables.findLastIndex((entry, index) => index < before && entry.name === name);
    const entry = variables[at];
    if (defined.has(as)) {
      // Two meanings of one name, at two places: the agent can have one of them.
      if (defined.get(as) !== entry) unknown.add(name);
      return;
    }
    defined.set(as, entry);
    if (entry?.valueFrom !== undefined && entry.valueFrom !== null) {
      env.push({ name: as, valueFrom: entry.valueFrom });
      origin = originOf(entry.valueFrom);
    } else if (entry !== undefined) {
      const text = entry.value ?? '';
      // Nothing but another variable: that one's definition is the definition.
      const other = wholeReference(text);
      if (other !== undefined) {
        defined.delete(as);
        define(other, as, at);
      } else env.push({ name: as, value: copyReferences(text, at) });
    } else defineFromSources(name, as);
  };
  /** The text for the agent, with copies of what it refers to. */
  const copyReferences = (text: string, before: number): string => {
    for (const name of referencesIn(text)) define(name, copyOf(name), before);
    return text.replace(REFERENCE, (whole, escape: string, name: string) =>
      escape === '$' ? whole : `$(${copyOf(name)})`,
    );
  };
  const copyOf = (name: string): string => (isTaken(name, target) ? `RO_COPY_${name}` : name);
  const defineFromSources = (name: string, as: string): void => {
    const sources = list(container.envFrom).filter((source) =>
      name.startsWith(source.prefix ?? ''),
    );
    const only = sources.length === 1 ? sources[0] : undefined;
    if (sources.length === 0) unknown.add(name);
    else if (only !== undefined) {
      const reference = keyReference(only, name);
      env.push({ name: as, valueFrom: reference });
      origin = originOf(reference);
    } else {
      // Which of several supplies it is not visible: take them all, the last one wins as there.
      for (const source of sources) envFrom.add(source);
      if (as !== name) env.push({ name: as, value: `$(${name})` });
      origin = 'other';
    }
  };
  const whole = wholeReference(value);
  if (whole !== undefined) define(whole, target, variables.length);
  else env.push({ name: target, value: copyReferences(value, variables.length) });
  return { env, envFrom: [...envFrom], unknown: [...unknown], origin };
}

function keyReference(source: EnvFromSource, name: string): Record<string, unknown> {
  const key = name.slice((source.prefix ?? '').length);
  const from = source.secretRef ?? source.configMapRef ?? {};
  const reference = {
    name: from.name ?? '',
    key,
    ...(from.optional === undefined ? {} : { optional: from.optional }),
  };
  return source.secretRef === undefined
    ? { configMapKeyRef: reference }
    : { secretKeyRef: reference };
}
