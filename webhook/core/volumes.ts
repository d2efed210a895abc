// Mirrors into the agent the volumes that hold files which Redis reads: the same volume, the same
// path, read-only. The longest mount path that contains the file is the one that holds it.

import { DOWNWARD_FIELDS } from './downward.ts';
import { copyVariable, referencesIn } from './environment.ts';
import { shortHash } from './hash.ts';
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

/** What the agent's image runs from: a mount at or above one of them would replace it. */
const PROGRAM_PATHS = [
  '/app/agent.mjs',
  '/usr/local/bin/node',
  '/usr/lib',
  '/lib',
  '/lib64',
  '/proc',
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

/** A Secret with mode 0400 belongs to root: only a volume of our own has a mode of our own. */
function readableCopy(pod: Pod, name: string): Volume | undefined {
  const secret = list(pod.spec?.volumes).find((volume) => volume.name === name)?.secret;
  const mode = secret?.defaultMode;
  const hasGroup = pod.spec?.securityContext?.fsGroup !== undefined;
  if (secret === undefined || mode === undefined || hasGroup || (mode & 0o004) !== 0) {
    return undefined;
  }
  return {
    name: copyName(name),
    secret: { ...secret, defaultMode: OWN_COPY_MODE },
  };
}

/** Two long names that begin alike stay two. */
function copyName(name: string): string {
  const NAME_MAX = 63;
  const whole = `redis-orchestrator-${name}`;
  if (whole.length <= NAME_MAX) return whole;
  const hash = shortHash(name);
  return `${whole.slice(0, NAME_MAX - hash.length - 1)}-${hash}`;
}
