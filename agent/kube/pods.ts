// The pods of the group: a watch, and patches of single labels and annotations.

import type { V1Pod } from '@kubernetes/client-node';
import {
  ADOPT_FROM_ANNOTATION,
  AGENT_CONTAINER,
  DISCARD_DATA_ANNOTATION,
  MIRROR_ANNOTATION,
  ROLE_LABEL,
} from '../../src/names.ts';
import type { Mirror, PodView } from '../core/model.ts';
import type { PodPlace } from '../core/slice.ts';
import type { ApiResult, PodsPort } from '../ports.ts';
import { readMirror } from './annotation-text.ts';
import type { ApiClient, WatchEvent } from './api.ts';
import { dataVolume } from './data-volume.ts';
import type { Group } from './group.ts';

/** Of Kubernetes, on each pod of a StatefulSet. */
const REVISION_LABEL = 'controller-revision-hash';

function isDisrupted(pod: V1Pod): boolean {
  return (
    pod.status?.conditions?.some(
      ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
    ) === true
  );
}

function isTerminal(phase: string | undefined): boolean {
  return phase === 'Failed' || phase === 'Succeeded';
}

function viewOfPod(pod: V1Pod): PodView {
  const { metadata, spec, status } = pod;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const annotations = metadata?.annotations ?? {};
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    ip: status?.podIP ?? null,
    leaving: metadata?.deletionTimestamp !== undefined || isDisrupted(pod),
    terminal: isTerminal(status?.phase),
    managed: containers.some(({ name }) => name === AGENT_CONTAINER),
    role: metadata?.labels?.[ROLE_LABEL] ?? null,
    volume: dataVolume(pod),
    revision: metadata?.labels?.[REVISION_LABEL] ?? null,
    createdEpochMs: Date.parse(String(metadata?.creationTimestamp ?? '')) || 0,
    discardData: annotations[DISCARD_DATA_ANNOTATION] ?? null,
    adoptFrom: annotations[ADOPT_FROM_ANNOTATION] === 'true',
    mirror: readMirror(annotations[MIRROR_ANNOTATION]),
  };
}

/** One event tells of one pod, and all are looked at: those that stayed as they were are not read again. */
const views = new WeakMap<V1Pod, PodView>();

function knownView(pod: V1Pod): PodView {
  const known = views.get(pod) ?? viewOfPod(pod);
  views.set(pod, known);
  return known;
}

function placeOf({ spec }: V1Pod): PodPlace {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = containers
    .flatMap((container) => container.ports ?? [])
    .flatMap(({ name, containerPort }) => (name === undefined ? [] : [[name, containerPort]]));
  return { node: spec?.nodeName ?? null, ports: Object.fromEntries(ports) };
}

function after(
  before: Map<string, V1Pod> | null,
  event: Exclude<WatchEvent<V1Pod>, { type: 'broken' }>,
): Map<string, V1Pod> {
  const uidOf = (pod: V1Pod): string => pod.metadata?.uid ?? '';
  if (event.type === 'list') return new Map(event.items.map((pod) => [uidOf(pod), pod]));
  const pods = new Map(before);
  if (event.type === 'set') pods.set(uidOf(event.item), event.item);
  else pods.delete(uidOf(event.item));
  return pods;
}

export class PodsAdapter implements PodsPort {
  readonly #api: ApiClient;
  readonly #namespace: string;
  /** By UID, of each watch; null: not listed yet. */
  #watched: (Map<string, V1Pod> | null)[] = [];

  constructor(api: ApiClient, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  get #base(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods`;
  }

  read(name: string, timeoutMs: number): Promise<ApiResult<V1Pod>> {
    return this.#api.send<V1Pod>({ method: 'GET', path: `${this.#base}/${name}`, timeoutMs });
  }

  /**
   * Tells nothing before all watches have listed: a group that is half seen looks half gone. Since a watch
   * broke, and until it has listed again, the same list is told as one that may be old.
   */
  watch(
    group: Group,
    listener: (pods: readonly PodView[], isStale: boolean) => void,
    onBroken: (detail: string) => void,
    random: () => number,
  ): void {
    this.#watched = group.selectors.map(() => null);
    const broken = new Set<number>();
    for (const [index, labelSelector] of group.selectors.entries()) {
      const note = (event: WatchEvent<V1Pod>): void => {
        if (event.type === 'broken') {
          broken.add(index);
          onBroken(event.detail);
        } else {
          if (event.type === 'list') broken.delete(index);
          this.#watched[index] = after(this.#watched[index] ?? null, event);
        }
        if (this.#watched.includes(null)) return;
        const pods = this.#pods().filter(group.belongs);
        listener(
          pods.map((pod) => knownView(pod)),
          broken.size > 0,
        );
      };
      const query = labelSelector === '' ? {} : { labelSelector };
      void this.#api.watch<V1Pod>(this.#base, query, note, random);
    }
  }

  /** A pod that gets the group label by hand is for a moment in two watches: once. */
  #pods(): readonly V1Pod[] {
    const all = this.#watched.toReversed().flatMap((pods) => [...(pods ?? [])]);
    return [...new Map(all).values()];
  }

  /** Where the pod runs and what its ports are called. */
  place(uid: string): PodPlace | null {
    const pod = this.#watched.map((pods) => pods?.get(uid)).find((each) => each !== undefined);
    return pod === undefined ? null : placeOf(pod);
  }

  /** Without a resourceVersion the API server answers by what is stored, never from a cache. */
  async isPodGone(name: string, uid: string, timeoutMs: number): Promise<boolean> {
    const read = await this.read(name, timeoutMs);
    if (!read.ok) return read.status === 404;
    const { metadata, status } = read.body;
    return metadata?.uid !== uid || isTerminal(status?.phase);
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
