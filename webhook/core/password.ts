// Where the password of Redis comes from, and how the agent gets the very same one. The value of a
// Secret is never read: its reference is copied.

import { POD_ANNOTATIONS, policyAnnotation } from '../../src/names.ts';
import { POLICY_OPTIONS } from '../../src/policy.ts';
import { type CopiedEnv, copyValue, copyVariable, literalEnv } from './environment.ts';
import type { Facts } from './facts.ts';
import type { RedisContainer } from './find-container.ts';
import { annotationsOf, type Container, type EnvFromSource, type EnvVar, type Pod } from './pod.ts';
import { envOf, list } from './pod.ts';
import { type Reason, reason } from './reasons.ts';
import { optionValue } from './server-arguments.ts';
import { assignedBefore, beforeServer } from './shell-variables.ts';

type AuthSource =
  | 'none'
  | 'annotation'
  | 'secret'
  | 'configmap'
  | 'literal'
  | 'other'
  | 'file'
  | 'config-file';

export type Password = {
  readonly source: AuthSource;
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFromSource[];
  /** File with nothing but the password. */
  readonly file?: string;
  readonly warnings: readonly Reason[];
  readonly errors: readonly Reason[];
};

const TARGET = 'REDIS_PASSWORD';
const NONE: Password = { source: 'none', env: [], envFrom: [], warnings: [], errors: [] };

export function readPassword(
  pod: Pod,
  { container, image, command }: Pick<RedisContainer, 'container' | 'image' | 'command'>,
  facts: Facts,
): Password {
  const annotation = annotationsOf(pod)[POD_ANNOTATIONS.passwordSecret];
  if (annotation !== undefined) return fromAnnotation(annotation);
  const isShell = command.kind === 'shell' || command.kind === 'opaque';
  const found =
    fromOption(container, facts, isShell) ??
    (image.family === 'bitnami' ? fromBitnamiEnv(container) : undefined) ??
    ({ ...NONE, source: facts.configFile === undefined ? 'none' : 'config-file' } as const);
  return { ...found, warnings: [...found.warnings, ...userWarnings(pod, facts)] };
}

/** Where ACL rules say who the default user is, `requirepass` is ignored [its acl.c]. */
function userWarnings(pod: Pod, { server }: Facts): readonly Reason[] {
  const hasUser = annotationsOf(pod)[policyAnnotation(POLICY_OPTIONS.redisUser.flag)] !== undefined;
  if (hasUser) return [];
  const [user] = (server.options.get('user') ?? []).join(' ').trim().split(/\s+/);
  const where = server.options.has('aclfile')
    ? 'aclfile'
    : user === 'default'
      ? '--user default'
      : '';
  return where === '' ? [] : [reason('acl-without-user', { where })];
}

function fromAnnotation(text: string): Password {
  const match = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)\/([-._a-zA-Z0-9]+)$/.exec(text);
  if (match === null) {
    const values = {
      annotation: POD_ANNOTATIONS.passwordSecret,
      value: text.slice(0, 30),
      remedy: 'SECRET/KEY',
    };
    return { ...NONE, errors: [reason('annotation-invalid', values)] };
  }
  const secretKeyRef = { name: match[1] ?? '', key: match[3] ?? '' };
  return { ...NONE, source: 'annotation', env: [{ name: TARGET, valueFrom: { secretKeyRef } }] };
}

/** `--requirepass`, else `--masterauth`, in all the ways in which people write its value. */
function fromOption(container: Container, facts: Facts, isShell: boolean): Password | undefined {
  const value = optionValue(facts.server, 'requirepass') ?? optionValue(facts.server, 'masterauth');
  if (value === undefined || value === '') return undefined;
  return isShell
    ? fromShell(
        container,
        value,
        beforeServer([...list(container.command), ...list(container.args)].join('\n')),
      )
    : fromText(container, value);
}

/** Variables that lead to each other; nobody writes more on purpose. */
const ASSIGNMENTS_MAX = 8;

/** `before`: the commands of the shell that come first. */
function fromShell(
  container: Container,
  value: string,
  before: string,
  left = ASSIGNMENTS_MAX,
): Password {
  if (value === '') return NONE;
  // "$(cat /path)" and "$(</path)", $VAR, ${VAR}, and ${VAR:-…} where VAR is there.
  const file = /^\$\(\s*(?:cat\s+|<\s*)(\/[^\s)]+)\s*\)$/.exec(value)?.[1];
  if (file !== undefined) return { ...NONE, source: 'file', file };
  const variable = /^\$\{?([A-Za-z_]\w*)\}?$/.exec(value)?.[1] ?? withDefault(container, value);
  const assigned = variable === undefined ? undefined : assignedBefore(before, variable);
  if (assigned?.kind === 'value' && left > 0) {
    return fromShell(container, assigned.text, assigned.before, left - 1);
  }
  if (variable !== undefined && assigned?.kind === 'untouched') {
    return fromCopy(copyVariable(container, variable, TARGET), []);
  }
  // What Kubernetes expands is gone before the shell sees it; whatever else is expanded only the shell knows.
  const isUnknown = assigned !== undefined && assigned.kind !== 'untouched';
  const isOpaque = isUnknown || /[$`]/.test(withoutReferences(value));
  if (!isOpaque) return fromText(container, value);
  const why = reason('password-opaque', { annotation: POD_ANNOTATIONS.passwordSecret });
  return { ...NONE, source: 'other', warnings: [why] };
}

/** As redis-server gets it, once Kubernetes has put its variables in. */
function fromText(container: Container, value: string): Password {
  const isWritten = withoutReferences(value) === value;
  const warnings = isWritten ? [reason('literal-password')] : [];
  return fromCopy(copyValue(container, value, TARGET), warnings);
}

/** What Kubernetes leaves in place of its own variables. */
function withoutReferences(value: string): string {
  return value.replaceAll(/\$\([A-Za-z_][\w.-]*\)/g, '');
}

/** The variable of `${VAR:-…}` or `${VAR:?…}`, where the container has it. */
function withDefault(container: Container, value: string): string | undefined {
  const name = /^\$\{([A-Za-z_]\w*):?[-?][^}]*\}$/.exec(value)?.[1];
  return name !== undefined && envOf(container, name) !== undefined ? name : undefined;
}

function fromCopy(copied: CopiedEnv, warnings: readonly Reason[]): Password {
  const unknown = copied.unknown.map((name) =>
    reason('password-unknown', { name, annotation: POD_ANNOTATIONS.passwordSecret }),
  );
  return {
    source: copied.unknown.length > 0 ? 'other' : copied.origin,
    env: copied.env,
    envFrom: copied.envFrom,
    warnings: [...warnings, ...unknown],
    errors: [],
  };
}

function fromBitnamiEnv(container: Container): Password | undefined {
  for (const name of ['REDIS_PASSWORD', 'VALKEY_PASSWORD']) {
    const file = literalEnv(container, `${name}_FILE`);
    if (file !== undefined) return { ...NONE, source: 'file', file };
    const entry = envOf(container, name);
    if (entry !== undefined) return fromCopy(copyVariable(container, name, TARGET), []);
  }
  // An `envFrom` may supply it; whether it does is not visible, so the reference is optional.
  const isEmptyAllowed = /^(yes|true|1)$/i.test(
    literalEnv(container, 'ALLOW_EMPTY_PASSWORD') ?? '',
  );
  if (list(container.envFrom).length === 0 || isEmptyAllowed) return undefined;
  const name = container.image?.includes('valkey') ? 'VALKEY_PASSWORD' : 'REDIS_PASSWORD';
  return fromCopy(copyVariable(container, name, TARGET), []);
}
