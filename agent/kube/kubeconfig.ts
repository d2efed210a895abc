// Credentials from KUBECONFIG, read by the client library. Bundled apart from the agent, which in a
// cluster never loads it: the library costs some 70 MiB of memory.

import { KubeConfig } from '@kubernetes/client-node';
import type { ApiAccess } from './api-access.ts';

export async function fromKubeConfig(): Promise<ApiAccess> {
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
