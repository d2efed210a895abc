// Whether a Service leads clients to the master: looked at on every sync, never changed.

import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { ROLE_LABEL } from '../../src/names.ts';
import type { RouteReport } from '../../src/wire.ts';
import type { KubeApi } from './api.ts';

/** Whether the Service selects this pod while it is master, and not otherwise. */
function leadsToMaster(service: V1Service, labels: Readonly<Record<string, string>>): boolean {
  const selector = service.spec?.selector ?? {};
  return (
    selector[ROLE_LABEL] === 'master' &&
    Object.entries(selector).every(([key, value]) => key === ROLE_LABEL || labels[key] === value)
  );
}

/** The named Service is judged; where there is none of that name, any that leads to the master. */
function judgeServices(
  name: string,
  services: readonly V1Service[],
  labels: Readonly<Record<string, string>>,
): RouteReport {
  const named = services.find(({ metadata }) => metadata?.name === name);
  const leading = services.find((service) => leadsToMaster(service, labels));
  const chosen = named !== undefined && leadsToMaster(named, labels) ? named : leading;
  if (chosen !== undefined) {
    const service = chosen.metadata?.name ?? '';
    return { service, ok: true, detail: `selects ${ROLE_LABEL}=master` };
  }
  const detail =
    named === undefined
      ? `no Service of this namespace selects ${ROLE_LABEL}=master and this pod: clients need one`
      : `does not select ${ROLE_LABEL}=master and this pod: correct its selector, or name another Service by --redis-service`;
  return { service: name, ok: false, detail };
}

export async function readRoute(
  api: KubeApi,
  own: V1Pod,
  name: string,
  timeoutMs: number,
): Promise<RouteReport> {
  const path = `/api/v1/namespaces/${own.metadata?.namespace ?? ''}/services`;
  const read = await api.send<{ items?: V1Service[] }>({ method: 'GET', path, timeoutMs });
  if (read.ok) return judgeServices(name, read.body.items ?? [], own.metadata?.labels ?? {});
  return { service: name, ok: false, detail: `not read: ${read.status} ${read.message}` };
}
