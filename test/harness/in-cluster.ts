// Lets an agent find its credentials where a pod has them: the service account's files in their place, in
// a mount namespace of its own. So it loads what it loads in a cluster, and nothing for KUBECONFIG.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentAccount } from './agent-account.ts';
import type { Access } from './kube-client.ts';
import type { PodPlaces } from './pod-network.ts';
import type { Workspace } from './workspace.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What a command begins with to find the account's files; undefined where it cannot be done. */
export function accountMount(
  workspace: Workspace,
  name: string,
  { url, caPem, token }: Access,
):
  | { readonly enter: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const folder = workspace.folder(`account-${name}`);
  writeFileSync(join(folder, 'ca.crt'), caPem, { mode: 0o600 });
  writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
  // Only what is started behind it sees the mounts.
  const script = [
    'mount -t tmpfs ro-bench /var/run',
    `mkdir -p ${SERVICE_ACCOUNT}`,
    `mount --bind ${folder} ${SERVICE_ACCOUNT}`,
    'exec "$@"',
  ].join(' && ');
  const { hostname, port } = new URL(url);
  return {
    enter: ['unshare', '--mount', 'sh', '-c', script, 'sh'],
    env: { KUBECONFIG: '', KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
  };
}

/** Undefined where it cannot be done. */
export function inCluster(
  workspace: Workspace,
  account: AgentAccount,
  places: PodPlaces,
): { places: PodPlaces; env: Readonly<Record<string, string>> } | undefined {
  const mounted = accountMount(workspace, account.namespace, account.access);
  if (mounted === undefined) return undefined;
  return {
    places: {
      ...places,
      apiAddress: places.apiAddress,
      whyNoLinks: places.whyNoLinks,
      place: async (address) => {
        const place = await places.place(address);
        return { ...place, enter: [...place.enter, ...mounted.enter] };
      },
    },
    env: mounted.env,
  };
}
