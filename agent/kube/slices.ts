// The Services with a fast route and the EndpointSlices that agents keep for them: two watches, and
// writes on the version that was judged, so that a late one of a deposed holder changes nothing.

import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import { GROUP_LABEL, ROUTE_LABEL } from '../../src/names.ts';
import type { RouteChange } from '../core/route.ts';
import {
  NOT_OURS,
  OURS,
  type RouteService,
  SERVICE_LABEL,
  type SliceEndpoint,
  type SliceView,
} from '../core/slice.ts';
import type { ApiResult } from '../ports.ts';
import type { ApiRequest, KubeApi, WatchEvent } from './api.ts';

function viewOfService({ metadata, spec }: V1Service): RouteService {
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    group: metadata?.labels?.[GROUP_LABEL] ?? null,
    route: metadata?.labels?.[ROUTE_LABEL] ?? '',
    isExternalName: spec?.type === 'ExternalName',
    hasSelector: Object.keys(spec?.selector ?? {}).length > 0,
    isHeadless: spec?.clusterIP === 'None',
    families: spec?.ipFamilies ?? [],
    ports: (spec?.ports ?? []).map(({ name, port, protocol, appProtocol, targetPort }) => ({
      name: name ?? '',
      protocol: protocol ?? 'TCP',
      appProtocol: appProtocol ?? null,
      target: targetPort ?? port,
    })),
  };
}

function viewOfSlice(slice: V1EndpointSlice): SliceView {
  const { metadata, addressType, ports, endpoints } = slice;
  return {
    name: metadata?.name ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
    addressType,
    labels: metadata?.labels ?? {},
    owners: (metadata?.ownerReferences ?? []).map(({ uid }) => uid),
    ports: ports ?? [],
    endpoints: (endpoints ?? []) as readonly SliceEndpoint[],
  };
}

export class SlicesAdapter {
  readonly #api: KubeApi;
  readonly #namespace: string;
  /** By name; null: not listed yet. */
  #services: Map<string, RouteService> | null = null;
  #slices: Map<string, SliceView> | null = null;
  #strangers: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(api: KubeApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  get services(): readonly RouteService[] | null {
    return this.#services === null ? null : [...this.#services.values()];
  }

  get slices(): readonly SliceView[] | null {
    return this.#slices === null ? null : [...this.#slices.values()];
  }

  get strangers(): ReadonlyMap<string, readonly string[]> {
    return this.#strangers;
  }

  watchServices(onBroken: (detail: string) => void, random: () => number): Promise<void> {
    const path = `/api/v1/namespaces/${this.#namespace}/services`;
    const note = (event: WatchEvent<V1Service>): void => {
      if (event.type === 'broken') onBroken(event.detail);
      else this.#services = changed(this.#services, event, viewOfService);
    };
    return this.#api.watch<V1Service>(path, { labelSelector: ROUTE_LABEL }, note, random);
  }

  watchSlices(
    onListed: () => void,
    onBroken: (detail: string) => void,
    random: () => number,
  ): Promise<void> {
    const note = (event: WatchEvent<V1EndpointSlice>): void => {
      if (event.type === 'broken') return onBroken(event.detail);
      this.#slices = changed(this.#slices, event, viewOfSlice);
      if (event.type === 'list') onListed();
    };
    return this.#api.watch<V1EndpointSlice>(this.#base, { labelSelector: OURS }, note, random);
  }

  /** Reads all again; what the watch tells meanwhile is newer. */
  async refresh(timeoutMs: number): Promise<void> {
    const before = this.#slices;
    const items = await this.#list(OURS, timeoutMs);
    if (items === null || this.#slices !== before) return;
    this.#slices = changed(before, { type: 'list', items }, viewOfSlice);
  }

  /** Looks for slices of these Services that are not ours: they lead clients elsewhere. */
  async lookForStrangers(services: readonly string[], timeoutMs: number): Promise<void> {
    const selector = `${SERVICE_LABEL} in (${services.join(',')}),${NOT_OURS}`;
    const items = services.length === 0 ? [] : await this.#list(selector, timeoutMs);
    if (items === null) return;
    const found = new Map<string, string[]>();
    for (const { metadata, endpoints } of items) {
      const service = metadata?.labels?.[SERVICE_LABEL] ?? '';
      const isEmpty = (endpoints ?? []).length === 0;
      if (!isEmpty) found.set(service, [...(found.get(service) ?? []), metadata?.name ?? '']);
    }
    this.#strangers = found;
  }

  async #list(selector: string, timeoutMs: number): Promise<V1EndpointSlice[] | null> {
    const path = `${this.#base}?labelSelector=${encodeURIComponent(selector)}`;
    const read = await this.#api.send<{ items?: V1EndpointSlice[] }>({
      method: 'GET',
      path,
      timeoutMs,
    });
    return read.ok ? (read.body.items ?? []) : null;
  }

  /** `isBlind`: the object is there but hidden, because somebody took its labels off. */
  async write(
    change: RouteChange,
    options: { readonly isBlind: boolean; readonly timeoutMs: number },
  ): Promise<ApiResult<SliceView | null>> {
    const { current, name } = change;
    const result = await this.#api.send<V1EndpointSlice>(this.#request(change, options));
    if (!result.ok) return result;
    if (change.wanted === null) {
      if (this.#slices?.get(name) === current) this.#slices?.delete(name);
      return { ok: true, body: null };
    }
    const written = viewOfSlice(result.body);
    // What the watch showed meanwhile may be newer than our own write.
    if ((this.#slices?.get(name) ?? null) === current) this.#slices?.set(name, written);
    return { ok: true, body: written };
  }

  get #base(): string {
    return `/apis/discovery.k8s.io/v1/namespaces/${this.#namespace}/endpointslices`;
  }

  #request(
    { name, current, wanted }: RouteChange,
    { isBlind, timeoutMs }: { readonly isBlind: boolean; readonly timeoutMs: number },
  ): ApiRequest {
    const version = current === null ? {} : { resourceVersion: current.resourceVersion };
    const path = `${this.#base}/${name}`;
    if (wanted === null) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: version };
      return { method: 'DELETE', path, body, timeoutMs };
    }
    const { labels, owners, ports, endpoints, addressType } = wanted;
    const service = labels[SERVICE_LABEL] ?? '';
    const reference = { apiVersion: 'v1', kind: 'Service', name: service };
    const ownerReferences = owners.map((uid) => ({ ...reference, uid }));
    const metadata = { ...version, labels, ownerReferences };
    if (current === null && !isBlind) {
      const body = { metadata: { ...metadata, name }, addressType, ports, endpoints };
      return { method: 'POST', path: this.#base, body, timeoutMs };
    }
    const contentType = 'application/merge-patch+json';
    return { method: 'PATCH', path, body: { metadata, ports, endpoints }, contentType, timeoutMs };
  }
}

function changed<T extends { metadata?: { name?: string } }, View>(
  before: Map<string, View> | null,
  event: Exclude<WatchEvent<T>, { type: 'broken' }>,
  view: (object: T) => View,
): Map<string, View> {
  const nameOf = (object: T): string => object.metadata?.name ?? '';
  if (event.type === 'list') return new Map(event.items.map((item) => [nameOf(item), view(item)]));
  const after = new Map(before);
  if (event.type === 'set') after.set(nameOf(event.item), view(event.item));
  else after.delete(nameOf(event.item));
  return after;
}
