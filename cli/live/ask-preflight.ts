// What check --pre asks of the API server. Nothing is written: rights are asked for by SelfSubjectAccessReview, and
// the installation is tried with dryRun=All.

import type { BaseObject } from '../base-objects.ts';
import type { NeededResource, Resource, Served } from '../commands/check-api.ts';
import type { Configuration, PresenceFacts } from '../commands/check-presence.ts';
import type { Allowance, Need, Place, Trial } from '../commands/check-rights.ts';
import type { Cluster } from './cluster.ts';
import { inTurn } from './in-turn.ts';
import { apiPath } from './raw-objects.ts';
import { seenClusterList, seenIn, seenOrAbsent } from './seen.ts';

type ResourceList = { readonly resources?: readonly Resource[] };
type Review = { readonly status?: { readonly allowed?: boolean } };
type Node = { readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } } };

export async function askServed(
  cluster: Cluster,
  needed: readonly NeededResource[],
): Promise<Served> {
  const versions = [...new Set(needed.map(({ apiVersion }) => apiVersion))];
  const lists = await inTurn(
    versions,
    async (apiVersion) => await seenOrAbsent<ResourceList>(cluster, discovery(apiVersion)),
  );
  return new Map(
    lists.map((list, index) => {
      const value = list.ok && list.value !== null ? (list.value.resources ?? []) : null;
      return [versions[index] ?? '', list.ok ? { ok: true, value } : list];
    }),
  );
}

function discovery(apiVersion: string) {
  const path = apiPath(apiVersion, '', null).replace(/\/$/, '');
  return {
    right: { verb: 'get', resource: path, namespace: null, isClusterWide: true },
    path,
  } as const;
}

export async function askRights(
  cluster: Cluster,
  needs: readonly Need[],
): Promise<readonly Allowance[]> {
  return await inTurn(needs, async (need) => {
    const { verb, group, resource, namespace, name } = need;
    const resourceAttributes = {
      verb,
      group,
      resource,
      ...(namespace === null ? {} : { namespace }),
      ...(name === null ? {} : { name }),
    };
    const answer = await cluster.ask<Review>({
      right: { verb: 'create', resource: 'selfsubjectaccessreviews', namespace: null },
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      },
    });
    return { need, isAllowed: seenIn(answer, ({ status }) => status?.allowed === true) };
  });
}

export async function askPresence(
  cluster: Cluster,
  systemNamespace: string,
): Promise<PresenceFacts> {
  const webhooks = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
  const [namespace, configurations, nodes, monitors] = await Promise.all([
    seenOrAbsent<object>(cluster, {
      right: {
        verb: 'get',
        resource: 'namespaces',
        namespace: null,
        name: systemNamespace,
        isClusterWide: true,
      },
      path: `/api/v1/namespaces/${systemNamespace}`,
    }),
    seenClusterList<Configuration>(cluster, 'admissionregistration.k8s.io/v1', webhooks),
    seenClusterList<Node>(cluster, 'v1', 'nodes'),
    seenOrAbsent<ResourceList>(cluster, discovery('monitoring.coreos.com/v1')),
  ]);
  const versionOf = ({ status }: Node): string => status?.nodeInfo?.kubeletVersion ?? '';
  const isMonitor = ({ name }: Resource): boolean => name === 'podmonitors';
  return {
    systemNamespace,
    namespace,
    configurations,
    kubelets: nodes.ok ? { ok: true, value: nodes.value.map(versionOf) } : nodes,
    hasPodMonitors: monitors.ok
      ? { ok: true, value: monitors.value?.resources?.some(isMonitor) === true }
      : monitors,
  };
}

export async function tryPlaces(
  cluster: Cluster,
  places: readonly Place[],
): Promise<readonly Trial[]> {
  return await inTurn(places, async (place) => {
    const { object, resource, namespace } = place;
    const answer = await cluster.ask<object>({
      right: { verb: 'patch', resource, namespace, name: object.name },
      method: 'PATCH',
      path: `${pathOf(object, resource, namespace)}?dryRun=All&fieldManager=redis-orchestrator-check&force=true`,
      contentType: 'application/apply-patch+yaml',
      body: object.value,
    });
    if (answer.ok) return { place, refusal: null };
    return { place, refusal: { status: answer.status, detail: answer.detail } };
  });
}

function pathOf({ apiVersion, name }: BaseObject, resource: string, namespace: string | null) {
  return `${apiPath(apiVersion, resource, namespace)}/${name}`;
}
