// Mirrors into the agent the volumes that hold files which Redis reads: the same volume, the same
// path, read-only. The longest mount path that contains the file is the one that holds it.

import type { Container, Pod, Volume, VolumeMount } from './pod.ts';
import { list } from './pod.ts';

export type Mirror = {
  readonly mounts: readonly VolumeMount[];
  /** Volumes of our own: copies of Secrets whose mode would keep the agent from reading them. */
  readonly volumes: readonly Volume[];
  /** Files that lie in no volume: they are in the image, or nowhere. */
  readonly hidden: readonly string[];
};

const OWN_COPY_MODE = 0o444;

function isWithin(path: string, folder: string): boolean {
  const plain = folder.replace(/\/+$/, '');
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
  for (const path of paths) {
    const mount = mountOf(container, path);
    if (mount === undefined) {
      hidden.push(path);
      continue;
    }
    const copy = readableCopy(pod, mount.name);
    if (copy !== undefined) volumes.set(copy.name, copy);
    mounts.set(mount.mountPath, { ...mount, name: copy?.name ?? mount.name, readOnly: true });
  }
  return { mounts: [...mounts.values()], volumes: [...volumes.values()], hidden };
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
    name: `redis-orchestrator-${name}`.slice(0, 63).replace(/-+$/, ''),
    secret: { ...secret, defaultMode: OWN_COPY_MODE },
  };
}
