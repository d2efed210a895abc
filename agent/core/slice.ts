// The EndpointSlice of a fast route: what it has to say about a Service and its pods, and whether
// one that is there says just that. Pure; endpoints and ports have the API's own form.

import { GROUP_LABEL, PREFIX } from '../../src/names.ts';
import type { PodView } from './model.ts';

export const SERVICE_LABEL = 'kubernetes.io/service-name';
const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
/** Selects the slices that agents keep; `NOT_OURS` all others. */
export const OURS = `${MANAGED_BY_LABEL}=${PREFIX}`;
export const NOT_OURS = `${MANAGED_BY_LABEL}!=${PREFIX}`;
/** kube-proxy does not look at slices that carry it. */
const HEADLESS_LABEL = 'service.kubernetes.io/headless';

type ServicePort = {
  readonly name: string;
  readonly protocol: string;
  readonly appProtocol: string | null;
  /** A number, or the name of a port of the pods' containers. */
  readonly target: number | string;
};

/** A Service that carries the route label. */
export type RouteService = {
  readonly name: string;
  readonly uid: string;
  readonly group: string | null;
  readonly route: string;
  readonly isExternalName: boolean;
  readonly hasSelector: boolean;
  readonly isHeadless: boolean;
  readonly families: readonly string[];
  readonly ports: readonly ServicePort[];
};

/** What a slice needs to know of a pod beside its address. */
export type PodPlace = {
  readonly node: string | null;
  /** Named ports of its containers. */
  readonly ports: Readonly<Record<string, number>>;
};

export type SliceEndpoint = {
  readonly addresses: readonly string[];
  readonly conditions?: object;
  readonly nodeName?: string;
  readonly targetRef?: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
};

export type SliceContent = {
  readonly addressType: string;
  readonly labels: Readonly<Record<string, string>>;
  /** UIDs of its owners: it is removed with its Service. */
  readonly owners: readonly string[];
  readonly ports: readonly object[];
  readonly endpoints: readonly SliceEndpoint[];
};

export type SliceView = SliceContent & { readonly name: string; readonly resourceVersion: string };

export function familyOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** A slice cannot change its address type, so the family is part of the name. */
export function sliceName(service: string, family: string): string {
  return `redis-orchestrator-${service}-${family.toLowerCase()}`;
}

type Pods = {
  readonly namespace: string;
  readonly pods: readonly PodView[];
  readonly places: ReadonlyMap<string, PodPlace>;
};

function portNumbers(target: number | string, { pods, places }: Pods): ReadonlySet<number> {
  if (typeof target === 'number') return new Set([target]);
  return new Set(pods.flatMap(({ uid }) => places.get(uid)?.ports[target] ?? []));
}

/** A port by name that not all pods understand in the same way, or null. */
export function portProblem(service: RouteService, pods: Pods): string | null {
  for (const { target } of service.ports) {
    const numbers = portNumbers(target, pods);
    if (numbers.size === 0) return `no container of its pods has a port named ${target}`;
    if (numbers.size > 1) {
      return `${target} is another port in each pod (${[...numbers].join(', ')}): write a number`;
    }
  }
  return null;
}

function endpointOf(pod: PodView, { namespace, places }: Pods): SliceEndpoint {
  const node = places.get(pod.uid)?.node ?? null;
  return {
    addresses: [pod.ip ?? ''],
    // The holder knows better than a probe of the kubelet whom clients may be sent to.
    conditions: { ready: true, serving: true, terminating: false },
    ...(node === null ? {} : { nodeName: node }),
    targetRef: { kind: 'Pod', namespace, name: pod.name, uid: pod.uid },
  };
}

/** What the slice has to say; a port that nobody can resolve is left out, as Kubernetes does. */
export function sliceContent(service: RouteService, family: string, pods: Pods): SliceContent {
  const ports = service.ports.flatMap(({ name, protocol, appProtocol, target }) => {
    const [port, ...others] = portNumbers(target, pods);
    if (port === undefined || others.length > 0) return [];
    return [{ name, protocol, port, ...(appProtocol === null ? {} : { appProtocol }) }];
  });
  return {
    addressType: family,
    labels: {
      [SERVICE_LABEL]: service.name,
      [MANAGED_BY_LABEL]: PREFIX,
      [GROUP_LABEL]: service.group ?? '',
      ...(service.isHeadless ? { [HEADLESS_LABEL]: '' } : {}),
    },
    owners: [service.uid],
    ports,
    endpoints: pods.pods.map((pod) => endpointOf(pod, pods)),
  };
}

/** The same text for the same value, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Labels of others may stay; all else is exactly as wanted. */
export function isAsWanted(actual: SliceContent, wanted: SliceContent): boolean {
  const rest = ({ addressType, owners, ports, endpoints }: SliceContent): string =>
    canonical([addressType, owners, ports, endpoints]);
  return (
    Object.entries(wanted.labels).every(([key, value]) => actual.labels[key] === value) &&
    rest(actual) === rest(wanted)
  );
}
