// Mirrors into the agent the volumes that hold files which Redis reads: the same volume, the same
// path, read-only. The longest mount path that contains the file is the one that holds it.

import { type Fields, isMap } from '../../src/json.ts';
import { DOWNWARD_FIELDS } from './downward.ts';
import { copyVariable, referencesIn } from './environment.ts';
import { shortHash } from './hash.ts';
import { isOfToken, TOKEN_PATH } from './service-account.ts';
import {
  type Container,
  type EnvVar,
  envOf,
  list,
  type Pod,
  type Volume,
  type VolumeMount,
} from './pod.ts';

export type Mirror = {
  readonly mounts: readonly VolumeMount[];
  /** Volumes of our own: copies of Secrets whose mode would keep the agent from reading them. */
  readonly volumes: readonly Volume[];
  /** What the paths of the mounts refer to (`subPathExpr`). */
  readonly env: readonly EnvVar[];
  /** Files that lie in no volume, or in one that cannot be mounted beside the agent's program. */
  readonly hidden: readonly string[];
};

const OWN_COPY_MODE = 0o444;

function isWithin(path: string, folder: string): boolean {
  const plain = folder.endsWith('/') ? folder.slice(0, -1) : folder;
  return path === plain || path.startsWith(`${plain}/`);
}

function mountOf(container: Container, path: string): VolumeMount | undefined {
  return list(container.volumeMounts)
    .filter((mount) => isWithin(path, mount.mountPath))
    .reduce<VolumeMount | undefined>(
      (best, mount) =>
        best === undefined || mount.mountPath.length > best.mountPath.length ? mount : best,
      undefined,
    );
}

export function mirrorFiles(pod: Pod, container: Container, paths: readonly string[]): Mirror {
  const mounts = new Map<string, VolumeMount>();
  const volumes = new Map<string, Volume>();
  const hidden: string[] = [];
  const env: EnvVar[] = [];
  for (const path of paths) {
    // The agent has a mount of its own there, with the same files.
    if (isOfToken(container, path)) continue;
    const mount = mountOf(container, path);
    const variables = mount === undefined ? undefined : mountVariables(container, mount);
    if (mount === undefined || variables === undefined || hidesProgram(mount)) {
      hidden.push(path);
      continue;
    }
    env.push(...variables);
    const copy = readableCopy(pod, mount.name);
    if (copy !== undefined) volumes.set(copy.name, copy);
    mounts.set(mount.mountPath, { ...mount, name: copy?.name ?? mount.name, readOnly: true });
  }
  return { mounts: [...mounts.values()], volumes: [...volumes.values()], env, hidden };
}

/** What the agent runs from: a mount at or above one of them would replace it. */
const PROGRAM_PATHS = [
  '/app/agent.mjs',
  '/usr/local/bin/node',
  '/usr/lib',
  '/lib',
  '/lib64',
  '/proc',
  TOKEN_PATH,
];

function hidesProgram({ mountPath }: VolumeMount): boolean {
  return PROGRAM_PATHS.some((path) => isWithin(path, mountPath));
}

/** Undefined where a path refers to what the agent cannot have as well. */
function mountVariables(container: Container, mount: VolumeMount): readonly EnvVar[] | undefined {
  const env: EnvVar[] = [];
  for (const name of referencesIn(mount.subPathExpr ?? '')) {
    const own = DOWNWARD_FIELDS[name];
    const field = envOf(container, name)?.valueFrom?.['fieldRef'] as
      | { fieldPath?: string }
      | undefined;
    if (own !== undefined && field?.fieldPath === own) continue;
    // The agent has another meaning for this name.
    if (own !== undefined) return undefined;
    const copied = copyVariable(container, name, name);
    if (copied.unknown.length > 0 || copied.envFrom.length > 0) return undefined;
    env.push(...copied.env);
  }
  return env;
}

/** Files with mode 0400 belong to root: only a volume of our own has modes of our own. */
function readableCopy(pod: Pod, name: string): Volume | undefined {
  const volume = list(pod.spec?.volumes).find((each) => each.name === name);
  const hasGroup = pod.spec?.securityContext?.fsGroup !== undefined;
  if (volume === undefined || hasGroup) return undefined;
  const { secret, configMap, projected } = volume;
  const source = secret ?? configMap ?? projected;
  if (!isMap(source) || !hasHiddenMode(source)) return undefined;
  const own = copyName(name);
  if (secret !== undefined) return { name: own, secret: readable(secret) };
  if (configMap !== undefined) return { name: own, configMap: readable(source) };
  const sources = list(projected?.sources).map((each) =>
    isMap(each)
      ? Object.fromEntries(Object.entries(each).map(([key, value]) => [key, withoutModes(value)]))
      : each,
  );
  return { name: own, projected: { ...projected, defaultMode: OWN_COPY_MODE, sources } };
}

/** Some file of it, by the volume's own mode or by that of one item. */
function hasHiddenMode(source: Fields): boolean {
  const isHidden = (mode: unknown): boolean => typeof mode === 'number' && (mode & 0o004) === 0;
  const items = [
    source,
    ...list(source['sources'] as Fields[]).flatMap((each) => Object.values(each)),
  ]
    .filter(isMap)
    .flatMap((each) => list(each['items'] as Fields[]));
  return isHidden(source['defaultMode']) || items.some((item) => isHidden(item['mode']));
}

function readable<T extends Fields>(source: T): T & { defaultMode: number } {
  return { ...withoutModes(source), defaultMode: OWN_COPY_MODE };
}

/** Items without a mode have that of the volume. */
function withoutModes<T>(source: T): T {
  if (!isMap(source) || !Array.isArray(source['items'])) return source;
  const items = source['items'].map((item: unknown) => {
    if (!isMap(item)) return item;
    const { mode: _mode, ...rest } = item;
    return rest;
  });
  return { ...source, items };
}

/** Two long names that begin alike stay two. */
function copyName(name: string): string {
  const NAME_MAX = 63;
  const whole = `redis-orchestrator-${name}`;
  if (whole.length <= NAME_MAX) return whole;
  const hash = shortHash(name);
  return `${whole.slice(0, NAME_MAX - hash.length - 1)}-${hash}`;
}
