// The objects of the API server as far as the live commands read them, and where they stand. Pure.

import {
  fieldsOf,
  parseFields,
  readTerms,
  type RecordedTerm,
} from '../../src/annotation-fields.ts';
import {
  AGENT_CONTAINER,
  AGENT_HTTP_PORT,
  AGENT_PORT_NAME,
  GROUP_LABEL,
  leaseName,
  RECORD_ANNOTATION,
} from '../../src/names.ts';
import { isTerm } from '../../src/wire.ts';

type Metadata = {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly controller?: boolean;
  }[];
};

type RawContainer = {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
};

export type RawPod = {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly RawContainer[];
    readonly initContainers?: readonly RawContainer[];
  };
  readonly status?: { readonly phase?: string; readonly podIP?: string };
};

export type RawLease = {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseTransitions?: number;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
};

export type RawList<T> = {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly continue?: string };
};

/** An aggregated API server writes an empty list as null, as Go does with one that nobody made. */
export function itemsIn<T>({ items }: RawList<T>): readonly T[] {
  return items ?? [];
}

/** Where objects of a kind stand; `namespace` null: those of all namespaces, or of none. */
export function apiPath(apiVersion: string, resource: string, namespace: string | null): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${base}${namespace === null ? '' : `/namespaces/${namespace}`}/${resource}`;
}

export function podsPath(namespace: string | null): string {
  return apiPath('v1', 'pods', namespace);
}

export function leasesPath(namespace: string | null): string {
  return apiPath('coordination.k8s.io/v1', 'leases', namespace);
}

function containersOf({ spec }: RawPod): readonly RawContainer[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}

export function hasAgent(pod: RawPod): boolean {
  return containersOf(pod).some(({ name }) => name === AGENT_CONTAINER);
}

export function agentImage(pod: RawPod): string | undefined {
  return containersOf(pod).find(({ name }) => name === AGENT_CONTAINER)?.image;
}

export function agentPort(pod: RawPod): number {
  const ports = containersOf(pod).flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === AGENT_PORT_NAME)?.containerPort ?? AGENT_HTTP_PORT;
}

export function isEnded({ status }: RawPod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

export function groupLabelOf({ metadata }: RawPod): string | undefined {
  return metadata?.labels?.[GROUP_LABEL];
}

export type LeaseRecord = {
  readonly holder: string | null;
  readonly holderUid: string | null;
  readonly term: number;
  readonly renewedEpochMs: number;
  readonly waitMs: number;
  readonly history: readonly RecordedTerm[];
  /** Terms in which somebody opened writes. */
  readonly opened: readonly number[];
};

const GROUP_PREFIX = leaseName('');

/** The group whose Lease this is, or undefined: another program has the prefix, too. */
export function groupOfLease({ metadata, spec }: RawLease): string | undefined {
  const name = metadata?.name ?? '';
  const isOurs =
    metadata?.annotations?.[RECORD_ANNOTATION] !== undefined ||
    /^[^_]+_[^_]+_[^_]+$/.test(spec?.holderIdentity ?? '');
  return name.startsWith(GROUP_PREFIX) && isOurs ? name.slice(GROUP_PREFIX.length) : undefined;
}

export function readLease({ metadata, spec }: RawLease): LeaseRecord {
  const [pod, uid, agentId] = (spec?.holderIdentity ?? '').split('_');
  const isHeld = pod !== undefined && uid !== undefined && agentId !== undefined;
  const record = parseFields(metadata?.annotations?.[RECORD_ANNOTATION]);
  const lineage = record?.['lineage'];
  const terms = Array.isArray(lineage) ? lineage.map((entry) => fieldsOf(entry)?.['term']) : [];
  return {
    holder: isHeld ? pod : null,
    holderUid: isHeld ? uid : null,
    term: spec?.leaseTransitions ?? 0,
    renewedEpochMs: Date.parse(spec?.renewTime ?? ''),
    waitMs: (spec?.leaseDurationSeconds ?? 0) * 1000,
    history: readTerms(record?.['history']),
    // Zero: an id from before the group had terms.
    opened: terms.filter(isTerm).filter((term) => term > 0),
  };
}
