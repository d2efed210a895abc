// Whether Services lead clients to the master by its label: looked at on every sync, never changed.

import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { GROUP_LABEL, ROLE_LABEL, ROUTE_LABEL } from '../../src/names.ts';
import type { RouteReport } from '../../src/wire.ts';
import type { KubeApi } from './api.ts';

type Labels = Readonly<Record<string, string>>;

/** The role that the Service selects among the pods of this one's labels, or null. */
function selectedRole(service: V1Service, labels: Labels): string | null {
  const selector = service.spec?.selector ?? {};
  const isOurs = Object.entries(selector).every(
    ([key, value]) => key === ROLE_LABEL || labels[key] === value,
  );
  return isOurs ? (selector[ROLE_LABEL] ?? null) : null;
}

function isFastToMaster({ metadata }: V1Service, group: string): boolean {
  const labels = metadata?.labels ?? {};
  return labels[ROUTE_LABEL] === 'master' && labels[GROUP_LABEL] === group;
}

/** A person may have written the label where it does nothing. */
function isMisplaced({ metadata }: V1Service, group: string): boolean {
  const { labels = {}, annotations = {} } = metadata ?? {};
  const named = labels[GROUP_LABEL] ?? annotations[GROUP_LABEL] ?? group;
  return ROUTE_LABEL in annotations && !(ROUTE_LABEL in labels) && named === group;
}

/** All that select a role of this group, and the named one where no Service leads to the master. */
function judgeServices(
  name: string,
  services: readonly V1Service[],
  labels: Labels,
  group: string,
): readonly RouteReport[] {
  const found = services.flatMap((service): RouteReport[] => {
    const at = { service: service.metadata?.name ?? '', kind: 'label' } as const;
    const role = selectedRole(service, labels);
    if (role !== null) return [{ ...at, ok: true, detail: `selects ${ROLE_LABEL}=${role}` }];
    if (!isMisplaced(service, group)) return [];
    const detail = `has the annotation ${ROUTE_LABEL}: it counts as a label only`;
    return [{ ...at, kind: 'fast', ok: false, detail }];
  });
  const hasRoute = services.some(
    (service) => selectedRole(service, labels) === 'master' || isFastToMaster(service, group),
  );
  if (hasRoute) return found;
  const isThere = services.some(({ metadata }) => metadata?.name === name);
  const detail = isThere
    ? `does not select ${ROLE_LABEL}=master and this pod: correct its selector, or name another Service by --redis-service`
    : `no Service of this namespace selects ${ROLE_LABEL}=master and this pod: clients need one`;
  return [{ service: name, kind: 'label', ok: false, detail }, ...found];
}

export async function readRoute(
  api: KubeApi,
  own: V1Pod,
  where: { readonly service: string; readonly group: string; readonly timeoutMs: number },
): Promise<readonly RouteReport[]> {
  const { service, group, timeoutMs } = where;
  const path = `/api/v1/namespaces/${own.metadata?.namespace ?? ''}/services`;
  const read = await api.send<{ items?: V1Service[] }>({ method: 'GET', path, timeoutMs });
  if (read.ok) {
    return judgeServices(service, read.body.items ?? [], own.metadata?.labels ?? {}, group);
  }
  const detail = `not read: ${read.status} ${read.message}`;
  return [{ service, kind: 'label', ok: false, detail }];
}
