// Istio's sidecar injector, which is part of istiod: the whole program, with the template and the values
// of its chart where the chart's ConfigMap would be.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePorts } from '../../harness/free-ports.ts';
import { type OpenInjector, obtain } from './injector.ts';

type Values = Readonly<Record<string, unknown>> & {
  readonly sidecarInjectorWebhook: Readonly<Record<string, unknown>>;
};

/** What the chart's template istiod-injector-configmap.yaml makes of the values. */
function writeSettings(chart: string, folder: string): void {
  const text = readFileSync(join(chart, 'values.yaml'), 'utf8');
  const { _internal_defaults_do_not_set: values } = parse(text) as Record<string, Values>;
  if (values === undefined) throw new Error(`${chart}/values.yaml: has no defaults`);
  const { global, sidecarInjectorWebhook, revision, cni, env, gateways } = values;
  const pilot = { cni, env };
  const chosen = { global, sidecarInjectorWebhook, revision, pilot, gateways };
  writeFileSync(join(folder, 'values'), JSON.stringify(chosen));
  const config = {
    defaultTemplates: ['sidecar'],
    policy: 'enabled',
    alwaysInjectSelector: sidecarInjectorWebhook['alwaysInjectSelector'],
    neverInjectSelector: sidecarInjectorWebhook['neverInjectSelector'],
    injectedAnnotations: sidecarInjectorWebhook['injectedAnnotations'],
    templates: { sidecar: readFileSync(join(chart, 'injection-template.yaml'), 'utf8') },
  };
  writeFileSync(join(folder, 'config'), stringify(config));
}

export const openIstio: OpenInjector = async ({ workspace, controlPlane, tls }) => {
  const { folder, version } = obtain('istio');
  writeSettings(folder, workspace.folder('istio/var/lib/istio/inject'));
  const [https = 0, http = 0, grpc = 0, secure = 0, monitoring = 0] = await freePorts(5);
  const process = workspace.start(
    'istio',
    join(folder, 'istio'),
    [
      'discovery',
      `--kubeconfig=${controlPlane.adminKubeconfig}`,
      `--httpsAddr=127.0.0.1:${https}`,
      `--httpAddr=127.0.0.1:${http}`,
      `--grpcAddr=127.0.0.1:${grpc}`,
      `--secureGRPCAddr=127.0.0.1:${secure}`,
      `--monitoringAddr=127.0.0.1:${monitoring}`,
      '--ctrlz_port=0',
      `--caCertFile=${tls.ca}`,
      `--tlsCertFile=${tls.cert}`,
      `--tlsKeyFile=${tls.key}`,
    ],
    {
      directory: workspace.folder('istio'),
      env: {
        POD_NAME: 'istiod-0',
        POD_NAMESPACE: 'istio-system',
        REVISION: 'default',
        // Nobody asks it for certificates here.
        ENABLE_CA_SERVER: 'false',
      },
    },
  );
  return { version, url: `https://127.0.0.1:${https}/inject`, process };
};
