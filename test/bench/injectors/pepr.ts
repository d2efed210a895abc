// Pepr, a framework for webhooks in Node: a module that injects (pepr/module.cjs), run by the Node that runs
// ours. Its own launcher only unpacks such a module, and makes the resource of its store.

import { join } from 'node:path';
import { freePorts } from '../../harness/free-ports.ts';
import { type OpenInjector, obtain } from './injector.ts';

const STORE = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'peprstores.pepr.dev' },
  spec: {
    group: 'pepr.dev',
    scope: 'Namespaced',
    names: { plural: 'peprstores', singular: 'peprstore', kind: 'PeprStore' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { data: { type: 'object', additionalProperties: { type: 'string' } } },
          },
        },
      },
    ],
  },
};
const API_PATH = 'bench';

export const openPepr: OpenInjector = async ({ workspace, controlPlane, tls }) => {
  const { folder, version } = obtain('pepr');
  const { admin, adminKubeconfig } = controlPlane;
  await admin.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', STORE);
  await admin.create('/api/v1/namespaces', { metadata: { name: 'pepr-system' } });
  const [port = 0] = await freePorts(1);
  const process = workspace.start(
    'pepr',
    globalThis.process.execPath,
    [join(folder, 'module.cjs')],
    {
      env: {
        PORT: String(port),
        KUBECONFIG: adminKubeconfig,
        SSL_CERT_PATH: tls.cert,
        SSL_KEY_PATH: tls.key,
        PEPR_API_PATH: API_PATH,
        PEPR_WATCH_MODE: 'false',
        PEPR_PRETTY_LOG: 'false',
        LOG_LEVEL: 'info',
      },
    },
  );
  return { version, url: `https://127.0.0.1:${port}/mutate/${API_PATH}`, process };
};
