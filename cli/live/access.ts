// Where the API server is and who we are, by the client library: kubeconfig, credential plugins, proxies, or the
// service account inside a cluster.

import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { messageOf, OrchestratorError } from '../../src/errors.ts';
import { CredentialPlugin, readExec } from './credential-plugin.ts';

export type AccessOptions = {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly timeoutMs: number;
};

/** What the library takes where it found nothing. */
const NOWHERE = 'http://localhost:8080';
const CHANGEABLE: readonly string[] = ['agent', 'timeout'];

type Loaded = { readonly config: KubeConfig; readonly plugin: CredentialPlugin | null };

function load({ kubeconfig, context, timeoutMs }: AccessOptions): Loaded {
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
  return { config, plugin: boundPlugin(config, timeoutMs) };
}

/** Ours in place of the library's, which knows no limit of time and would come first. */
function boundPlugin(config: KubeConfig, timeoutMs: number): CredentialPlugin | null {
  const user = config.getCurrentUser();
  const told: unknown = user?.exec ?? null;
  if (user === null || told === null) return null;
  const read = readExec(told);
  if (!read.ok) {
    const message = `user ${user.name} of the kubeconfig: ${read.fault}`;
    throw new OrchestratorError('RO_KUBE_CONFIG', message, { remedy: read.remedy });
  }
  const { exec } = read;
  config.users = config.users.map((each) => (each === user ? { ...each, exec: undefined } : each));
  const cluster = config.getCurrentCluster();
  const plugin = new CredentialPlugin(user.name, exec, cluster, timeoutMs);
  config.addAuthenticator(plugin);
  return plugin;
}

export class Access {
  readonly config: KubeConfig;
  readonly server: URL;
  readonly namespace: string;
  /** Null: the credential is one that nobody can ask for anew. */
  readonly plugin: CredentialPlugin | null;
  /** Connections stay open: a look asks several things at once, and a watched one every second. */
  readonly #agent = new https.Agent({ keepAlive: true, maxSockets: 32 });

  constructor(options: AccessOptions) {
    try {
      ({ config: this.config, plugin: this.plugin } = load(options));
      this.server = new URL(this.config.getCurrentCluster()?.server ?? '');
    } catch (cause) {
      if (cause instanceof OrchestratorError) throw cause;
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
