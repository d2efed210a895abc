// What an injection covers or takes away, as far as the injected pod does not show it: kept in the
// status annotation, so that `uninject` gives back the very pod. Small, and never a secret's value.

import { AGENT_SERVICE_ACCOUNT, GROUP_LABEL, STATUS_ANNOTATION } from '../../src/names.ts';
import type { BootFence } from './boot-fence.ts';
import type { Plan } from './plan.ts';
import { type Container, DEFAULT_CONTAINER_ANNOTATION, list, type Pod } from './pod.ts';
import { sameContent } from './same-content.ts';
import { automaticTokenVolumes, isAutomaticTokenMount, TOKEN_PATH } from './service-account.ts';

/** Fields that an injection may set; those of the Redis container stand beside those of the pod. */
export type Slot =
  | 'metadata'
  | 'labels'
  | 'group'
  | 'annotations'
  | 'status'
  | 'default-container'
  | 'args'
  | 'env'
  | 'variable'
  | 'value'
  | 'lifecycle'
  | 'preStop'
  | 'volumes'
  | 'initContainers'
  | 'serviceAccountName'
  | 'serviceAccount'
  | 'automountServiceAccountToken'
  | 'terminationGracePeriodSeconds';

type ContainerList = 'containers' | 'initContainers';

export type Before = {
  /** Fields that were not there. One in neither list was not touched, or shows what was added. */
  readonly absent: readonly Slot[];
  /** Values that were replaced. */
  readonly was?: Readonly<Partial<Record<Slot, unknown>>>;
  /** Automatic token volumes that were taken away: place, and the name of a usual one or all of it. */
  readonly volumes?: readonly (readonly [at: number, volume: unknown])[];
  /** Their mounts, by list, container and place. */
  readonly mounts?: readonly (readonly [
    list: ContainerList,
    container: number,
    at: number,
    mount: unknown,
  ])[];
};

type Parts = Pick<
  Plan,
  | 'containerIndex'
  | 'bootFence'
  | 'native'
  | 'volumes'
  | 'preStop'
  | 'serviceAccount'
  | 'stripToken'
  | 'graceSeconds'
>;

class Notes {
  readonly absent: Slot[] = [];
  readonly was: Partial<Record<Slot, unknown>> = {};

  /** `slot` will be set; what it is now must be found again. */
  touch(slot: Slot, now: unknown): void {
    if (now === undefined) this.absent.push(slot);
    else this.was[slot] = now;
  }

  /** `slot` is a list or map that gets more; one that has something shows by itself what it was. */
  extend(slot: Slot, now: unknown): void {
    if (typeof now !== 'object' || now === null) this.touch(slot, now);
  }
}

export function beforeOf(pod: Pod, plan: Parts): Before {
  const notes = new Notes();
  const { metadata, spec } = pod;
  notes.extend('metadata', metadata);
  const group = metadata?.labels?.[GROUP_LABEL] ?? undefined;
  if (group === undefined) {
    notes.extend('labels', metadata?.labels);
    notes.touch('group', metadata?.labels?.[GROUP_LABEL]);
  }
  notes.extend('annotations', metadata?.annotations);
  const { [STATUS_ANNOTATION]: status, [DEFAULT_CONTAINER_ANNOTATION]: shown } =
    metadata?.annotations ?? {};
  // Nearly always absent, so that only the other case is noted.
  if (status !== undefined) notes.touch('status', status);
  if ((shown ?? undefined) === undefined) notes.touch('default-container', shown);
  const container = list(spec?.containers)[plan.containerIndex];
  if (container !== undefined) noteContainer(notes, container, plan);
  if (plan.volumes.length > 0) notes.extend('volumes', spec?.volumes);
  if (plan.native) notes.extend('initContainers', spec?.initContainers);
  if (plan.serviceAccount !== undefined) {
    notes.touch('serviceAccountName', spec?.serviceAccountName);
    // The API server makes the older field follow; one that had our name already did not.
    const older = spec?.serviceAccount;
    if (older === AGENT_SERVICE_ACCOUNT) notes.touch('serviceAccount', older);
  }
  if (plan.stripToken && spec?.automountServiceAccountToken !== false) {
    notes.touch('automountServiceAccountToken', spec?.automountServiceAccountToken);
  }
  if (plan.graceSeconds !== undefined) {
    notes.touch('terminationGracePeriodSeconds', spec?.terminationGracePeriodSeconds);
  }
  const { absent, was } = notes;
  return {
    absent,
    ...(Object.keys(was).length === 0 ? {} : { was }),
    ...(plan.stripToken ? tokenOf(pod) : {}),
  };
}

function noteContainer(notes: Notes, container: Container, plan: Parts): void {
  noteFence(notes, container, plan.bootFence);
  if (plan.preStop === undefined) return;
  notes.extend('lifecycle', container.lifecycle);
  notes.touch('preStop', container.lifecycle?.preStop);
}

function noteFence(notes: Notes, container: Container, fence: BootFence): void {
  const isInArguments = fence.kind === 'arguments' || fence.kind === 'arguments-and-variable';
  if (isInArguments && list(container.args).length === 0) notes.touch('args', container.args);
  if (fence.kind !== 'variable') return;
  const entry = list(container.env).findLast(({ name }) => name === fence.name);
  if (entry === undefined) {
    notes.extend('env', container.env);
    notes.touch('variable', undefined);
  } else if (typeof entry.value !== 'string' || entry.value === '') {
    notes.touch('value', entry.value);
  }
}

/** As the API server's own plugin makes them. */
function usualVolume(name: string): unknown {
  const fieldRef = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef }] } },
      ],
    },
  };
}

function usualMount(name: string): unknown {
  return { name, readOnly: true, mountPath: TOKEN_PATH };
}

function shortened<T extends { name: string }>(
  item: T,
  usual: (name: string) => unknown,
): T | string {
  return sameContent(item, usual(item.name)) ? item.name : item;
}

/** What `shortened` made, in full again. */
export function fullVolume(noted: unknown): unknown {
  return typeof noted === 'string' ? usualVolume(noted) : noted;
}

export function fullMount(noted: unknown): unknown {
  return typeof noted === 'string' ? usualMount(noted) : noted;
}

function tokenOf(pod: Pod): Pick<Before, 'volumes' | 'mounts'> {
  const names = automaticTokenVolumes(pod);
  const volumes = list(pod.spec?.volumes).flatMap((volume, at) =>
    names.has(volume.name) ? [[at, shortened(volume, usualVolume)] as const] : [],
  );
  const mounts = (['containers', 'initContainers'] as const).flatMap((key) =>
    list(pod.spec?.[key]).flatMap((container, index) =>
      list(container.volumeMounts).flatMap((mount, at) =>
        isAutomaticTokenMount(mount)
          ? [[key, index, at, shortened(mount, usualMount)] as const]
          : [],
      ),
    ),
  );
  return {
    ...(volumes.length === 0 ? {} : { volumes }),
    ...(mounts.length === 0 ? {} : { mounts }),
  };
}
