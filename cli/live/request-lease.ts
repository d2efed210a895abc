// What people ask of a group: annotations on its second Lease. Written by server-side apply, so that one Role with
// the name of this Lease is enough: an apply that creates is judged by the name, a plain create is not.

import { parseFields, shaped } from '../../src/annotation-fields.ts';
import { PAUSE_ANNOTATION, REQUEST_ANNOTATION, requestLeaseName } from '../../src/names.ts';
import type { PauseReport } from '../../src/wire.ts';
import type { Answer, Cluster, Right } from './cluster.ts';
import { leasesPath, type RawLease } from './raw-objects.ts';

export type RequestKind = 'request' | 'pause';

const ANNOTATIONS = { request: REQUEST_ANNOTATION, pause: PAUSE_ANNOTATION } as const;

export type RequestPlace = { readonly namespace: string; readonly group: string };

function placeOf({ namespace, group }: RequestPlace): { path: string; right: Right } {
  const name = requestLeaseName(group);
  return {
    path: `${leasesPath(namespace)}/${name}`,
    right: { verb: 'patch', resource: 'leases', namespace, name },
  };
}

/** `isTried`: asks the API server whether it would, and changes nothing. */
export async function writeRequest(
  cluster: Cluster,
  place: RequestPlace,
  kind: RequestKind,
  text: string,
  isTried = false,
): Promise<Answer<unknown>> {
  const { path, right } = placeOf(place);
  // A manager for each: an apply takes back what the same manager had applied and no longer names.
  const query = `fieldManager=redis-orchestrator-${kind}&force=true${isTried ? '&dryRun=All' : ''}`;
  return await cluster.ask({
    right,
    method: 'PATCH',
    path: `${path}?${query}`,
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: requestLeaseName(place.group),
        annotations: { [ANNOTATIONS[kind]]: text },
      },
    },
  });
}

/** Only the very text that was written: what somebody else asked for since stays. */
export async function withdrawRequest(
  cluster: Cluster,
  place: RequestPlace,
  text: string,
): Promise<Answer<unknown>> {
  const { path, right } = placeOf(place);
  const pointer = `/metadata/annotations/${REQUEST_ANNOTATION.replace('/', '~1')}`;
  return await cluster.ask({
    right,
    method: 'PATCH',
    path,
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: pointer, value: text },
      { op: 'remove', path: pointer },
    ],
  });
}

/** The pause that stands there, whether or not agents know it yet; undefined: the Lease may not be read. */
export async function writtenPause(
  cluster: Cluster,
  place: RequestPlace,
): Promise<PauseReport | null | undefined> {
  const { path, right } = placeOf(place);
  const answer = await cluster.ask<RawLease>({ right: { ...right, verb: 'get' }, path });
  if (!answer.ok && answer.status !== 404) return undefined;
  const annotations = answer.ok ? answer.body.metadata?.annotations : undefined;
  const fields = parseFields(annotations?.[PAUSE_ANNOTATION]);
  const pause = shaped<{ by: string; expires: string }>(fields, {
    by: 'string',
    expires: 'string',
  });
  if (pause === null) return null;
  const reason = fields?.['reason'];
  const { by, expires: until } = pause;
  return { by, reason: typeof reason === 'string' ? reason : '', until };
}

/** Whoever wrote it. */
export async function endPause(cluster: Cluster, place: RequestPlace): Promise<Answer<unknown>> {
  const { path, right } = placeOf(place);
  return await cluster.ask({
    right,
    method: 'PATCH',
    path,
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [PAUSE_ANNOTATION]: null } } },
  });
}

/** Who asks: as the API server knows him, else as this machine does. */
export async function whoAmI(cluster: Cluster, user: string): Promise<string> {
  const answer = await cluster.ask<{ status?: { userInfo?: { username?: string } } }>({
    right: { verb: 'create', resource: 'selfsubjectreviews', namespace: null },
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  const name = answer.ok ? answer.body.status?.userInfo?.username : undefined;
  return (name ?? (user === '' ? 'somebody' : user)).slice(0, 253);
}
