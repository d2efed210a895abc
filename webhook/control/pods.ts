// Pods as the controller looks at them: page by page, so that a namespace with thousands costs no memory.

import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { AGENT_CONTAINER, AGENT_SERVICE_ACCOUNT, GROUP_LABEL } from '../../src/names.ts';

const PAGE = 100;

type Where = { readonly namespace?: string; readonly labelSelector?: string };

/** Those that have not ended. Read from what is stored: a cache may lack the one that counts. */
export async function* livingPods(core: CoreV1Api, where: Where): AsyncGenerator<V1Pod> {
  const { namespace, ...selected } = where;
  let next: string | undefined;
  do {
    const query = { ...selected, limit: PAGE, ...(next === undefined ? {} : { _continue: next }) };
    const { items, metadata } =
      namespace === undefined
        ? await core.listPodForAllNamespaces(query)
        : await core.listNamespacedPod({ ...query, namespace });
    for (const pod of items) if (!hasEnded(pod)) yield pod;
    next = metadata?._continue === '' ? undefined : metadata?._continue;
  } while (next !== undefined);
}

/** Whether a pod here needs what the webhook made: injected, written by hand, or run as our account. */
export async function isInUse(core: CoreV1Api, namespace: string): Promise<boolean> {
  for await (const pod of livingPods(core, { namespace })) if (needsAccess(pod)) return true;
  return false;
}

/** The account of its own that its agent runs as; the namespace's default one is nobody's own. */
export function accountOfAgent({ metadata, spec }: V1Pod): string | undefined {
  const account = spec?.serviceAccountName ?? '';
  const hasAgent = metadata?.labels?.[GROUP_LABEL] !== undefined;
  return hasAgent && account !== '' && account !== 'default' ? account : undefined;
}

function needsAccess({ metadata, spec }: V1Pod): boolean {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return (
    metadata?.labels?.[GROUP_LABEL] !== undefined ||
    spec?.serviceAccountName === AGENT_SERVICE_ACCOUNT ||
    containers.some(({ name }) => name === AGENT_CONTAINER)
  );
}

function hasEnded({ status }: V1Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
