// HashiCorp's vault-k8s, which adds Vault's agent: settings as in its own deployment, certificate from files.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../harness/free-ports.ts';
import { accountMount } from '../../harness/in-cluster.ts';
import { type OpenInjector, obtain } from './injector.ts';

type Kubeconfig = { readonly users: readonly { readonly user: { readonly token: string } }[] };

export const openVaultK8s: OpenInjector = async ({ workspace, controlPlane, tls }) => {
  const { folder, version } = obtain('vault-k8s');
  const [port = 0] = await freePorts(1);
  const { url, caPem, adminKubeconfig } = controlPlane;
  const { users } = JSON.parse(readFileSync(adminKubeconfig, 'utf8')) as Kubeconfig;
  // It knows no kubeconfig: its account must be where a pod has it.
  const access = { url, caPem, token: users[0]?.user.token ?? '' };
  const account = accountMount(workspace, 'vault-k8s', access);
  if (account === undefined) {
    throw new Error(
      'vault-k8s runs in a cluster only, whose files only root can mount. Remedy: sudo',
    );
  }
  const process = workspace.start(
    'vault-k8s',
    join(folder, 'vault-k8s'),
    [
      'agent-inject',
      `-listen=127.0.0.1:${port}`,
      `-tls-cert-file=${tls.cert}`,
      `-tls-key-file=${tls.key}`,
      '-vault-address=https://vault.vault.svc:8200',
      '-vault-image=hashicorp/vault:1.18.5',
      '-cpu-request=250m',
      '-memory-request=64Mi',
      '-cpu-limit=500m',
      '-memory-limit=128Mi',
    ],
    { enter: account.enter, env: { ...account.env, NAMESPACE: 'vault' } },
  );
  return { version, url: `https://127.0.0.1:${port}/mutate`, process };
};
