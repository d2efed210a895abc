// Where the API server is and who we are: the service account inside a cluster, KUBECONFIG outside.

import { readFileSync } from 'node:fs';
import { messageOf, OrchestratorError } from '../../src/errors.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews the projected token in place well before it expires. */
const TOKEN_REREAD_MS = 60_000;

export type Credentials = {
  readonly origin: string;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  /** Headers that authenticate the request sent now. */
  readonly headers: (nowMs: number) => Record<string, string>;
};

function bearer(read: () => string): Credentials['headers'] {
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

function inCluster(host: string, port: string): Credentials {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    origin: `https://${authority}`,
    tls: { ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8') },
    headers: bearer(() => readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8')),
  };
}

/** Outside of a cluster only: the whole client library is loaded for its KubeConfig. */
async function fromKubeConfig(): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('KUBECONFIG names no current cluster');
  const options: Record<string, unknown> = {};
  await config.applyToHTTPSOptions(options);
  const text = (name: string): string | undefined => {
    const value = options[name];
    if (typeof value === 'string') return value;
    return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
  };
  const [ca, cert, key] = [text('ca'), text('cert'), text('key')];
  const headers = options['headers'];
  const authorization =
    typeof headers === 'object' && headers !== null
      ? Reflect.get(headers, 'Authorization')
      : undefined;
  return {
    origin: new URL(cluster.server).origin,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(cluster.tlsServerName === undefined ? {} : { servername: cluster.tlsServerName }),
      ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
    },
    headers: () => (typeof authorization === 'string' ? { authorization } : {}),
  };
}

/** Throws RO_KUBE_CONFIG where neither is usable. */
export async function loadCredentials(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const hasKubeConfig = env['KUBECONFIG'] !== undefined && env['KUBECONFIG'] !== '';
  try {
    if (host !== undefined && host !== '' && !hasKubeConfig) return inCluster(host, port);
    return await fromKubeConfig();
  } catch (cause) {
    throw new OrchestratorError('RO_KUBE_CONFIG', `no way to the API server: ${messageOf(cause)}`, {
      cause,
    });
  }
}
