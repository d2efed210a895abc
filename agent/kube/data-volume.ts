// What a pod's data are known by. The same answer for every pod of a StatefulSet and at every
// start: the order of a pod's volumes is random where there are several claim templates.

import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { AGENT_CONTAINER, STATUS_ANNOTATION } from '../../src/names.ts';
import { readRedisContainer } from './annotation-text.ts';

/** Where the common images keep their data, if no argument says otherwise. */
const USUAL_FOLDERS = ['/data', '/bitnami/redis/data', '/bitnami/valkey/data'] as const;

/** The webhook noted which container it took for Redis; else any but the agent's. */
function redisContainers(pod: V1Pod): readonly V1Container[] {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const noted = readRedisContainer(pod.metadata?.annotations?.[STATUS_ANNOTATION]);
  const named = all.filter(({ name }) => name === noted);
  return named.length > 0 ? named : (pod.spec?.containers ?? []).filter(isNotOurs);
}

function isNotOurs({ name }: V1Container): boolean {
  return name !== AGENT_CONTAINER;
}

/** `--dir FOLDER` of the command line, also where it stands within a shell's text. */
function folderOf({ command, args }: V1Container): string | null {
  const words = [...(command ?? []), ...(args ?? [])].join(' ');
  return /(?:^|\s)--dir\s+["']?(\/[^\s"']*)/.exec(words)?.[1] ?? null;
}

/** How much of the path of a data folder the mount covers; 0: none of it. */
function coverage(mountPath: string, folders: readonly string[]): number {
  const path = mountPath.replace(/\/+$/, '');
  const holds = folders.some((folder) => folder === path || folder.startsWith(`${path}/`));
  return holds ? path.length : 0;
}

/**
 * The claim that Redis's data folder lies on, else the one of the smallest name among those that
 * Redis mounts, else among all. Without a claim the data live and die with the pod's UID.
 */
export function dataVolume(pod: V1Pod): string {
  const claims = new Map(
    (pod.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim }) =>
      persistentVolumeClaim === undefined ? [] : [[name, persistentVolumeClaim.claimName] as const],
    ),
  );
  const mounts = redisContainers(pod).flatMap((container) => {
    const told = folderOf(container);
    const folders = told === null ? USUAL_FOLDERS : [told];
    return (container.volumeMounts ?? [])
      .filter(({ name }) => claims.has(name))
      .map(({ name, mountPath }) => ({ name, rank: coverage(mountPath, folders) }));
  });
  const all = [...claims.keys()].map((name) => ({ name, rank: 0 }));
  const [best] = (mounts.length > 0 ? mounts : all).toSorted(
    (a, b) => b.rank - a.rank || (a.name < b.name ? -1 : 1),
  );
  const claim = best === undefined ? undefined : claims.get(best.name);
  return claim === undefined ? (pod.metadata?.uid ?? '') : `pvc/${claim}`;
}
