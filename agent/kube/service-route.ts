// Whether the Service that clients use leads to the master: looked at on every sync, never changed.

import type { V1Service } from '@kubernetes/client-node';
import { ROLE_LABEL } from '../../src/names.ts';
import type { RouteReport } from '../../src/wire.ts';
import type { KubeApi } from './api.ts';

/** What is wrong with the Service's way to the master, or that it is right. */
export function judgeService(name: string, service: V1Service): RouteReport {
  const selector = service.spec?.selector ?? {};
  if (selector[ROLE_LABEL] === 'master') {
    return { service: name, ok: true, detail: `selects ${ROLE_LABEL}=master` };
  }
  const chosen = Object.keys(selector).length === 0 ? 'selects nothing' : 'selects every pod alike';
  return {
    service: name,
    ok: false,
    detail: `${chosen}: add ${ROLE_LABEL}: master to its selector, or name another Service by --redis-service`,
  };
}

export async function readRoute(
  api: KubeApi,
  namespace: string,
  name: string,
  timeoutMs: number,
): Promise<RouteReport> {
  const path = `/api/v1/namespaces/${namespace}/services/${name}`;
  const read = await api.send<V1Service>({ method: 'GET', path, timeoutMs });
  if (read.ok) return judgeService(name, read.body);
  const detail =
    read.status === 404
      ? `there is no Service ${name} in this namespace: clients need one that selects ${ROLE_LABEL}=master`
      : `not read: ${read.status} ${read.message}`;
  return { service: name, ok: false, detail };
}
