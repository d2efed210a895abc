// Where the API server is and who we are, by the client library: kubeconfig, credential plugins, proxies, or the
// service account inside a cluster.

import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import { CredentialPlugin, isExec } from './credential-plugin.ts';

export type AccessOptions = {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly timeoutMs: number;
};

/** What the library takes where it found nothing. */
const NOWHERE = 'http://localhost:8080';
const CHANGEABLE: readonly string[] = ['agent', 'timeout'];

function load({ kubeconfig, context, timeoutMs }: AccessOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const names = config.getContexts().map(({ name }) => name);
      throw new Error(`there is no context ${context}, but ${names.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('the kubeconfig names no current context');
  if (server === NOWHERE) throw new Error('there is no kubeconfig, and this is no pod');
  boundPlugin(config, timeoutMs);
  return config;
}

/** Ours in place of the library's, which knows no limit of time and would come first. */
function boundPlugin(config: KubeConfig, timeoutMs: number): void {
  const user = config.getCurrentUser();
  const exec: unknown = user?.exec;
  if (user === null || !isExec(exec)) return;
  config.users = config.users.map((each) => (each === user ? { ...each, exec: undefined } : each));
  const cluster = config.getCurrentCluster();
  config.addAuthenticator(new CredentialPlugin(user.name, exec, cluster, timeoutMs));
}

export class Access {
  readonly config: KubeConfig;
  readonly server: URL;
  readonly namespace: string;
  /** Connections stay open: a look asks several things at once, and a watched one every second. */
  readonly #agent = new https.Agent({ keepAlive: true, maxSockets: 32 });

  constructor(options: AccessOptions) {
    try {
      this.config = load(options);
      this.server = new URL(this.config.getCurrentCluster()?.server ?? '');
    } catch (cause) {
      const remedy =
        'Name one by --kubeconfig, KUBECONFIG or ~/.kube/config, and its context by --context.';
      const message = `no way to the API server: ${messageOf(cause)}`;
      throw new OrchestratorError('RO_KUBE_CONFIG', message, { cause, remedy });
    }
    const current = this.config.getContextObject(this.config.getCurrentContext());
    this.namespace = current?.namespace ?? 'default';
  }

  /** For one request: a token may have been renewed since the last one. */
  async options(): Promise<https.RequestOptions> {
    const options: https.RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    const isProxied = this.config.getCurrentCluster()?.proxyUrl !== undefined;
    if (isProxied || this.server.protocol === 'http:') return options;
    const own = Object.entries(options).filter(([name]) => !CHANGEABLE.includes(name));
    return { ...Object.fromEntries(own), agent: this.#agent };
  }

  close(): void {
    this.#agent.destroy();
  }
}
