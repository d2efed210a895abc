// What check finds among the objects of one group: its members, and the Services that lead to its master.

import { GROUP_LABEL, ROLE_LABEL, ROUTE_LABEL } from '../../src/names.ts';
import { labelsOf, type Pod } from '../../webhook/core/pod.ts';
import type { Judged } from '../judge.ts';
import { type Fields, isMap } from '../../src/json.ts';
import { type Item, titleOf } from '../manifest/workloads.ts';
import type { Finding } from './finding.ts';

/** A workload whose pods carry an agent. */
export type Managed = Judged & { readonly group: string };

type Group = {
  readonly namespace: string;
  readonly group: string;
  readonly members: readonly Managed[];
};

function groupsOf(managed: readonly Managed[]): Group[] {
  const byName = new Map<string, Managed[]>();
  for (const each of managed) {
    const key = `${each.namespace}/${each.group}`;
    byName.set(key, [...(byName.get(key) ?? []), each]);
  }
  return [...byName.values()].flatMap((members) => {
    const [first] = members;
    return first === undefined ? [] : [{ namespace: first.namespace, group: first.group, members }];
  });
}

export function groupFindings(managed: readonly Managed[]): Finding[] {
  return groupsOf(managed)
    .map(({ members, ...rest }) => ({
      ...rest,
      members: members.filter(({ workload }) => workload.item.kind !== 'Pod'),
    }))
    .filter(({ members }) => members.length > 1)
    .map(({ namespace, group, members }) => ({
      level: 'warning',
      about: `group ${namespace}/${group}`,
      code: 'group-shared',
      text: `${members.map(({ workload }) => titleOf(workload.item)).join(' and ')} are one group: one master, one dataset`,
      remedy: `where they hold different data, give each a ${GROUP_LABEL} of its own, or none`,
    }));
}

/** Of a Service: undefined where it has none. */
function selectorOf({ value }: Item): Fields | undefined {
  const spec = isMap(value['spec']) ? value['spec'] : {};
  const selector = spec['selector'];
  return isMap(selector) && Object.keys(selector).length > 0 ? selector : undefined;
}

function isHeadless({ value }: Item): boolean {
  return isMap(value['spec']) && value['spec']['clusterIP'] === 'None';
}

/** As if the agent had given the pod a role. */
function selects(selector: Fields, pod: Pod, group: string, role: string): boolean {
  const labels: Fields = { ...labelsOf(pod), [GROUP_LABEL]: group, [ROLE_LABEL]: role };
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function leadsToMaster(service: Item, { group, members }: Group): boolean {
  const selector = selectorOf(service);
  if (selector !== undefined) {
    return (
      selector[ROLE_LABEL] === 'master' &&
      members.some(({ workload }) => selects(selector, workload.pod, group, 'master'))
    );
  }
  const metadata = isMap(service.value['metadata']) ? service.value['metadata'] : {};
  const labels = isMap(metadata['labels']) ? metadata['labels'] : {};
  return labels[ROUTE_LABEL] === 'master' && labels[GROUP_LABEL] === group;
}

export function serviceFindings(
  managed: readonly Managed[],
  items: readonly Item[],
  ownNamespace: string,
): Finding[] {
  const services = items.filter(
    ({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1',
  );
  return groupsOf(managed).flatMap((group): Finding[] => {
    const { namespace, members } = group;
    const about = `group ${namespace}/${group.group}`;
    const near = services.filter((item) => (item.namespace ?? ownNamespace) === namespace);
    const leading = near.filter((service) => leadsToMaster(service, group));
    const blind = near.filter((service) => {
      const selector = selectorOf(service);
      if (selector === undefined || isHeadless(service) || ROLE_LABEL in selector) return false;
      return members.some(({ workload }) => selects(selector, workload.pod, group.group, 'master'));
    });
    return [
      ...(leading.length > 0
        ? [
            {
              level: 'ok' as const,
              about,
              text: `${leading.map(titleOf).join(' and ')} ${leading.length > 1 ? 'select' : 'selects'} the master`,
            },
          ]
        : [
            {
              level: 'warning' as const,
              about,
              code: 'no-service',
              text: 'no Service here leads to the master',
              remedy: `add ${ROLE_LABEL}: master to the selector of the Service that clients write to`,
            },
          ]),
      ...blind.map((service) => ({
        level: 'warning' as const,
        about: titleOf({ ...service, namespace }),
        code: 'service-without-role',
        text: 'leads to master and replicas alike: writes to a replica fail (READONLY)',
        remedy: `add ${ROLE_LABEL}: master, or replica, to its selector`,
      })),
    ];
  });
}
