// The real cluster that the tests of one run share: the one named by RO_E2E_CLUSTER, and no other.
// A KUBECONFIG of the person's is never used, so that a test cannot reach somebody's cluster.

import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  AuthorizationV1Api,
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
} from '@kubernetes/client-node';
import { REPOSITORY } from '../harness/programs.ts';

// Found in the PATH that scripts/cluster gives: the cluster's own version.
const KUBECTL = 'kubectl';

export const SYSTEM_NAMESPACE = 'redis-orchestrator-system';

export type Cluster = {
  /** For a shell: its own kubectl, and the way to it. */
  readonly env: NodeJS.ProcessEnv;
  readonly config: KubeConfig;
  /** The file. */
  readonly kubeconfig: string;
  readonly core: CoreV1Api;
  readonly coordination: CoordinationV1Api;
  /** Standard output of kubectl; its complaint is the error. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
};

export function clusterEnvironment(name: string): { kubeconfig: string; path: string } {
  const script = join(REPOSITORY, 'scripts', 'cluster');
  const shell = 'eval "$("$0" env --name "$1")"; printf "%s\\n%s" "$KUBECONFIG" "$PATH"';
  const text = execFileSync('bash', ['-c', shell, script, name], { encoding: 'utf8' });
  const [kubeconfig = '', path = ''] = text.split('\n');
  return { kubeconfig, path };
}

function runKubectl(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  input: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, encoding: 'utf8', maxBuffer: 1 << 26, timeout: 180_000 } as const;
    const child = execFile(KUBECTL, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`kubectl ${args.join(' ')}: ${stderr.trim() || error.message}`));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

export function openCluster(): Cluster {
  const name = process.env['RO_E2E_CLUSTER'];
  if (name === undefined || name === '') {
    throw new Error('RO_E2E_CLUSTER names no cluster. Remedy: npm run test:e2e');
  }
  const { kubeconfig, path } = clusterEnvironment(name);
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: path };
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return {
    env,
    config,
    kubeconfig,
    core: config.makeApiClient(CoreV1Api),
    coordination: config.makeApiClient(CoordinationV1Api),
    kubectl: async (args, input = '') => await runKubectl(env, args, input),
  };
}

/** Whether the agent is to be injected as a native sidecar: on kubelets before 1.29 it is an ordinary container. */
export async function hasNativeSidecars({ core }: Cluster): Promise<boolean> {
  const { items } = await core.listNode();
  const minors = items.map(({ status }) =>
    Number(/^v1\.(\d+)/.exec(status?.nodeInfo?.kubeletVersion ?? '')?.[1]),
  );
  return Math.min(...minors) >= 29;
}

/** The same API server, spoken to with a pod's token. */
export function withToken(
  cluster: Cluster,
  token: string,
): { core: CoreV1Api; authorization: AuthorizationV1Api; coordination: CoordinationV1Api } {
  const server = cluster.config.getCurrentCluster();
  if (server === null) throw new Error('the kubeconfig has no current cluster');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(server, { name: 'agent', token });
  return {
    core: config.makeApiClient(CoreV1Api),
    authorization: config.makeApiClient(AuthorizationV1Api),
    coordination: config.makeApiClient(CoordinationV1Api),
  };
}
