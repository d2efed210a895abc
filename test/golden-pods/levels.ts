// A pod of a Pod Security level has what that level demands, and may have what it permits.

import type { Pod } from '../../webhook/core/pod.ts';
import type { GoldenPod } from './list.ts';
import type { Parts } from './parts.ts';

export const LEVELS = ['restricted', 'baseline', 'privileged'] as const;
export type Level = (typeof LEVELS)[number];

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

const USERS = [{ runAsUser: 999 }, { runAsUser: 1001, fsGroup: 1001 }, { runAsNonRoot: true }];

/** The person's part as the level has it, so that only ours is judged. */
export function atLevel({ name, pod }: GoldenPod, level: Level): Pod {
  const copy = structuredClone(pod) as Omit<Pod, 'spec'> & { spec: Parts['spec'] };
  const containers = [...(copy.spec.initContainers ?? []), ...copy.spec.containers];
  // The same pod always has the same shape; which one is not of interest.
  const odd = name.length % 3;
  switch (level) {
    case 'restricted':
      for (const each of containers) {
        each.securityContext = { ...each.securityContext, ...RESTRICTED };
      }
      copy.spec['securityContext'] ??= USERS[odd];
      break;
    case 'baseline':
      if (odd === 0) copy.spec['securityContext'] = { runAsUser: 0, fsGroup: 0 };
      if (odd === 1) {
        for (const each of containers) each.securityContext = { runAsUser: 999 };
      }
      break;
    case 'privileged':
      copy.spec.volumes = [
        ...(copy.spec.volumes ?? []),
        { name: 'host', hostPath: { path: '/var/lib' } },
      ];
      if (odd === 0) copy.spec['hostNetwork'] = true;
      if (odd === 1 && copy.spec['shareProcessNamespace'] !== true) copy.spec['hostPID'] = true;
      if (odd === 2) {
        for (const each of containers) {
          each.securityContext = { runAsUser: 0, capabilities: { add: ['SYS_ADMIN'] } };
        }
      }
      break;
  }
  return copy as Pod;
}

const UID = '11111111-2222-3333-4444-555555555555';

/** With what the server demands of every pod, and short golden files leave out. */
export function completed(pod: Pod): Pod {
  const { metadata = {}, spec = {} } = structuredClone(pod);
  if (metadata.name === undefined && metadata.generateName === undefined) metadata.name = 'redis-0';
  if (metadata.ownerReferences !== undefined) {
    metadata.ownerReferences = metadata.ownerReferences.map((owner) => ({
      apiVersion: 'apps/v1',
      uid: UID,
      ...owner,
    }));
  }
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts ?? []);
  const volumes = [...(spec.volumes ?? [])];
  for (const { name } of mounted) {
    if (!volumes.some((volume) => volume.name === name)) volumes.push({ name, emptyDir: {} });
  }
  if (volumes.length > 0) spec.volumes = volumes;
  return { metadata, spec };
}
