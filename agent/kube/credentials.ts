// Where the API server is and who we are: the service account inside a cluster, KUBECONFIG outside.

import { readFileSync } from 'node:fs';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import type { ApiAccess } from './api-access.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews the projected token in place well before it expires. */
const TOKEN_REREAD_MS = 60_000;

function bearer(read: () => string): ApiAccess['headers'] {
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return (nowMs) => {
    if (nowMs - readAt > TOKEN_REREAD_MS) {
      token = read().trim();
      readAt = nowMs;
    }
    return { authorization: `Bearer ${token}` };
  };
}

function inCluster(host: string, port: string): ApiAccess {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    origin: `https://${authority}`,
    tls: { ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8') },
    headers: bearer(() => readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8')),
  };
}

/** Throws RO_KUBE_CONFIG where neither is usable. */
export async function loadCredentials(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ApiAccess> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const hasKubeConfig = env['KUBECONFIG'] !== undefined && env['KUBECONFIG'] !== '';
  try {
    if (host !== undefined && host !== '' && !hasKubeConfig) return inCluster(host, port);
    // Outside of a cluster only: the whole client library, in a file of its own.
    const { fromKubeConfig } = await import('./kubeconfig.ts');
    return await fromKubeConfig();
  } catch (cause) {
    throw new OrchestratorError('RO_KUBE_CONFIG', `no way to the API server: ${messageOf(cause)}`, {
      cause,
    });
  }
}
