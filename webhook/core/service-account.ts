// The account of the pod and its token. A projected token is always for the pod's account, so the
// other containers' automatic token would become ours: where the pod had `default` and did not ask
// for a token, theirs is taken away. The agent has a token volume of its own; the API server's own
// plugin adds nothing to a container that mounts something at this path.

import { AGENT_SERVICE_ACCOUNT } from '../../src/names.ts';
import { type Container, list, type Pod, textOf, type Volume, type VolumeMount } from './pod.ts';
import { namesOf, type Reason, reason } from './reasons.ts';

export const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN_VOLUME_NAME = 'redis-orchestrator-token';

export const TOKEN_MOUNT: VolumeMount = {
  name: TOKEN_VOLUME_NAME,
  mountPath: TOKEN_PATH,
  readOnly: true,
};

export const TOKEN_VOLUME: Volume = {
  name: TOKEN_VOLUME_NAME,
  projected: {
    defaultMode: 0o444,
    sources: [
      // 3607, the automatic volume's value, would be stretched to a year.
      { serviceAccountToken: { expirationSeconds: 3600, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [
            { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
          ],
        },
      },
    ],
  },
};

export type AccountPlan = {
  readonly serviceAccount: string | undefined;
  readonly stripToken: boolean;
  readonly warnings: readonly Reason[];
};

/** `files`: what Redis reads. In the token's folder it is a request for the token. */
export function planAccount(pod: Pod, redis: Container, files: readonly string[]): AccountPlan {
  // The API server fills the one from the other; a manifest may have the older one alone.
  const { serviceAccountName = '', serviceAccount = '' } = pod.spec ?? {};
  const given = serviceAccountName || serviceAccount;
  if (given && given !== 'default') {
    return { serviceAccount: undefined, stripToken: false, warnings: [] };
  }
  const automatic = pod.spec?.automountServiceAccountToken ?? undefined;
  const asked =
    automatic === true || (automatic === undefined && files.some((path) => isOfToken(redis, path)));
  return {
    serviceAccount: AGENT_SERVICE_ACCOUNT,
    stripToken: !asked,
    warnings: asked ? [reason('token-shared')] : [],
  };
}

const TOKEN_FILES: ReadonlySet<string> = new Set(
  ['ca.crt', 'namespace', 'token'].map((name) => `${TOKEN_PATH}/${name}`),
);

/** A file of the container's automatic token, which the agent's own mount has, too. */
export function isOfToken(container: Container, path: string): boolean {
  const isOther = ({ mountPath, name }: VolumeMount): boolean =>
    path.startsWith(`${mountPath}/`) && !AUTOMATIC_VOLUME.test(name);
  return TOKEN_FILES.has(path) && !list(container.volumeMounts).some(isOther);
}

/** Uses the API, as far as its words show it. */
const API_USER = /kubernetes\.io\/serviceaccount|kubectl|KUBERNETES_SERVICE/;

/** Whoever used the token of the pod's default account should know that it is gone. */
export function tokenWarnings(pod: Pod, redisIndex: number): readonly Reason[] {
  if (pod.spec?.automountServiceAccountToken === false) return [];
  const containers = list(pod.spec?.containers);
  const others = [
    ...containers.filter((each, index) => index !== redisIndex || API_USER.test(textOf(each))),
    ...list(pod.spec?.initContainers),
  ];
  const mountsOf = ({ volumeMounts }: Container) =>
    list(volumeMounts).filter(({ mountPath }) => mountPath === TOKEN_PATH);
  // In a manifest they are not there yet; the API server adds them to all that mount nothing else there.
  const isLive = [...containers, ...others].some((each) =>
    mountsOf(each).some(isAutomaticTokenMount),
  );
  const names = others
    .filter((each) => {
      const mounts = mountsOf(each);
      return isLive ? mounts.some(isAutomaticTokenMount) : mounts.length === 0;
    })
    .map(({ name }) => name);
  return names.length === 0 ? [] : [reason('token-removed', { names: namesOf(names) })];
}

/** Older servers call it `default-token-…`. */
const AUTOMATIC_VOLUME = /^(kube-api-access|default-token)-[a-z0-9]{5}$/;

export function isAutomaticTokenMount(mount: VolumeMount): boolean {
  return mount.mountPath === TOKEN_PATH && AUTOMATIC_VOLUME.test(mount.name);
}

/** Automatic token volumes that nothing else in the pod mounts elsewhere. */
export function automaticTokenVolumes(pod: Pod): ReadonlySet<string> {
  const containers = [...list(pod.spec?.containers), ...list(pod.spec?.initContainers)];
  const mounts = containers.flatMap((container) => list(container.volumeMounts));
  const kept = new Set(
    mounts.filter((mount) => !isAutomaticTokenMount(mount)).map((mount) => mount.name),
  );
  const names = list(pod.spec?.volumes).map((volume) => volume.name);
  return new Set(names.filter((name) => AUTOMATIC_VOLUME.test(name) && !kept.has(name)));
}
