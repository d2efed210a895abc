// The pods of the group: a watch, and patches of single labels and annotations.

import type { V1Pod } from '@kubernetes/client-node';
import {
  ADOPT_FROM_ANNOTATION,
  AGENT_CONTAINER,
  DISCARD_DATA_ANNOTATION,
  MIRROR_ANNOTATION,
  ROLE_LABEL,
} from '../../src/names.ts';
import type { PodView } from '../core/model.ts';
import type { PodPlace } from '../core/slice.ts';
import type { ApiResult, Mirror, PodsPort } from '../ports.ts';
import { readMirror } from './annotation-text.ts';
import type { KubeApi } from './api.ts';
import { dataVolume } from './data-volume.ts';
import type { Group } from './group.ts';

function isDisrupted(pod: V1Pod): boolean {
  return (
    pod.status?.conditions?.some(
      ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
    ) === true
  );
}

function viewOfPod(pod: V1Pod): PodView {
  const { metadata, spec, status } = pod;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const annotations = metadata?.annotations ?? {};
  const phase = status?.phase ?? '';
  const mirror = readMirror(annotations[MIRROR_ANNOTATION]);
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    ip: status?.podIP ?? null,
    leaving: metadata?.deletionTimestamp !== undefined || isDisrupted(pod),
    terminal: phase === 'Failed' || phase === 'Succeeded',
    managed: containers.some(({ name }) => name === AGENT_CONTAINER),
    role: metadata?.labels?.[ROLE_LABEL] ?? null,
    volume: dataVolume(pod),
    discardData: annotations[DISCARD_DATA_ANNOTATION] ?? null,
    adoptFrom: annotations[ADOPT_FROM_ANNOTATION] === 'true',
    mirrorTerm: mirror.term,
    mirrorLineage: mirror.lineage,
  };
}

function placeOf({ spec }: V1Pod): PodPlace {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = containers
    .flatMap((container) => container.ports ?? [])
    .flatMap(({ name, containerPort }) => (name === undefined ? [] : [[name, containerPort]]));
  return { node: spec?.nodeName ?? null, ports: Object.fromEntries(ports) };
}

export class PodsAdapter implements PodsPort {
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #pods = new Map<string, V1Pod>();

  constructor(api: KubeApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  get #base(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods`;
  }

  read(name: string, timeoutMs: number): Promise<ApiResult<V1Pod>> {
    return this.#api.send<V1Pod>({ method: 'GET', path: `${this.#base}/${name}`, timeoutMs });
  }

  watch(
    group: Group,
    listener: (pods: readonly PodView[]) => void,
    onBroken: (detail: string) => void,
    random: () => number,
  ): Promise<void> {
    return this.#api.watch<V1Pod>(
      this.#base,
      group.selector === '' ? {} : { labelSelector: group.selector },
      (event) => {
        if (event.type === 'broken') return onBroken(event.detail);
        if (event.type === 'list') {
          this.#pods.clear();
          for (const pod of event.items) this.#pods.set(pod.metadata?.uid ?? '', pod);
        } else {
          const uid = event.item.metadata?.uid ?? '';
          if (event.type === 'set') this.#pods.set(uid, event.item);
          else this.#pods.delete(uid);
        }
        listener([...this.#pods.values()].filter(group.belongs).map((pod) => viewOfPod(pod)));
      },
      random,
    );
  }

  /** Where the pod runs and what its ports are called. */
  place(uid: string): PodPlace | null {
    const pod = this.#pods.get(uid);
    return pod === undefined ? null : placeOf(pod);
  }

  async isClaimGone(claim: string, timeoutMs: number): Promise<boolean> {
    const path = `/api/v1/namespaces/${this.#namespace}/persistentvolumeclaims/${claim}`;
    const read = await this.#api.send<object>({ method: 'GET', path, timeoutMs });
    return !read.ok && read.status === 404;
  }

  setRole(pod: PodView, role: string | null, timeoutMs: number): Promise<ApiResult<V1Pod>> {
    return this.#patch(pod.name, { uid: pod.uid, labels: { [ROLE_LABEL]: role } }, timeoutMs);
  }

  setMirror(pod: PodView, mirror: Mirror, timeoutMs: number): Promise<ApiResult<V1Pod>> {
    const annotations = { [MIRROR_ANNOTATION]: JSON.stringify(mirror) };
    return this.#patch(pod.name, { uid: pod.uid, annotations }, timeoutMs);
  }

  #patch(name: string, metadata: object, timeoutMs: number): Promise<ApiResult<V1Pod>> {
    return this.#api.send<V1Pod>({
      method: 'PATCH',
      path: `${this.#base}/${name}`,
      body: { metadata },
      contentType: 'application/merge-patch+json',
      timeoutMs,
    });
  }
}
