// A real etcd and a real kube-apiserver as processes: certificates of its own, RBAC on, service
// account tokens that are checked. No scheduler and no kubelet: test/harness/pod.ts stands in.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Certificate,
  createAuthority,
  createKeyPair,
  issueCertificate,
} from './certificates.ts';
import { PodNetwork } from './free-ports.ts';
import { KubeClient } from './kube-client.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { programPath } from './programs.ts';
import { waitFor } from './wait-for.ts';
import type { ManagedProcess, Workspace } from './workspace.ts';

const READY_TIMEOUT_MS = 60_000;
const API_PORT = 6443;
const OUR_PART = [
  'pod-garbage-collector-controller',
  'node-lifecycle-controller',
  'statefulset-controller',
];

type Files = { readonly directory: string; readonly file: (name: string) => string };

async function writeCredentials(
  workspace: Workspace,
  address: string,
  tokens: Record<string, string>,
) {
  const directory = workspace.folder('control-plane');
  const files: Files = { directory, file: (name) => join(directory, name) };
  const write = (name: string, text: string): void =>
    writeFileSync(files.file(name), text, { mode: 0o600 });
  const [authority, accounts] = await Promise.all([createAuthority('ro-test-ca'), createKeyPair()]);
  const server = await issueCertificate(authority, 'kube-apiserver', {
    dns: ['localhost', 'kubernetes', 'kubernetes.default.svc'],
    ips: [address, '10.96.0.1'],
  });
  write('ca.crt', authority.certPem);
  write('server.crt', server.certPem);
  write('server.key', server.keyPem);
  write('accounts.key', accounts.privatePem);
  write('accounts.pub', accounts.publicPem);
  write('tokens.csv', Object.values(tokens).join('\n'));
  return { files, caPem: authority.certPem, certificate: server };
}

export class ControlPlane {
  readonly url: string;
  readonly caPem: string;
  /** The API server's own, for what stands in front of it. */
  readonly certificate: Certificate;
  readonly adminKubeconfig: string;
  readonly admin: KubeClient;
  readonly workspace: Workspace;
  private readonly launch: () => ManagedProcess;
  private apiServer: ManagedProcess;
  private readonly etcd: ManagedProcess;
  readonly etcdUrl: string;

  constructor(
    workspace: Workspace,
    url: string,
    caPem: string,
    certificate: Certificate,
    token: string,
    etcd: ManagedProcess,
    etcdUrl: string,
    launch: () => ManagedProcess,
  ) {
    this.workspace = workspace;
    this.url = url;
    this.caPem = caPem;
    this.certificate = certificate;
    this.launch = launch;
    this.etcd = etcd;
    this.etcdUrl = etcdUrl;
    this.apiServer = launch();
    this.adminKubeconfig = join(workspace.directory, 'admin.kubeconfig');
    writeKubeconfig(this.adminKubeconfig, { url, caPem, token });
    this.admin = new KubeClient({ url, caPem, token });
    workspace.atEnd(async () => await this.admin.close());
  }

  get pids(): { readonly apiServer: number; readonly etcd: number } {
    return { apiServer: this.apiServer.pid, etcd: this.etcd.pid };
  }

  /** Objects may be created only once RBAC's own roles are there: /readyz says so. */
  async ready(): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      if (!this.apiServer.isRunning) throw new Error(`ended: ${this.apiServer.tail()}`);
      return (await this.admin.text('GET', '/readyz')) === 'ok';
    };
    await waitFor('the API server is ready', isReady, {
      timeoutMs: READY_TIMEOUT_MS,
      everyMs: 50,
      picture: () => this.apiServer.tail(),
    });
  }

  /** Connections are refused from now on, as after a crash of the control plane. */
  async killApiServer(): Promise<void> {
    await this.apiServer.kill();
  }

  /** Requests hang from now on, as behind a network that drops packets. */
  pauseApiServer(): void {
    this.apiServer.signal('SIGSTOP');
  }

  resumeApiServer(): void {
    this.apiServer.signal('SIGCONT');
  }

  async startApiServer(): Promise<void> {
    if (!this.apiServer.isRunning) this.apiServer = this.launch();
    await this.ready();
  }
}

/** Starts etcd and the API server; ready when RBAC's roles are there. */
export async function startControlPlane(
  workspace: Workspace,
  options: {
    readonly controllerManager?: boolean;
    /** Where pods reach it; by default a loopback address. */
    readonly address?: string | undefined;
    /** etcd waits for the disk, as on a cluster. */
    readonly fsync?: boolean;
  } = {},
): Promise<ControlPlane> {
  // An address of its own: ports that were free a moment ago may be taken by the next test.
  const loopback = (await PodNetwork.claim(workspace)).address();
  const address = options.address ?? loopback;
  const secret = {
    admin: randomBytes(16).toString('hex'),
    manager: randomBytes(16).toString('hex'),
  };
  const { files, caPem, certificate } = await writeCredentials(workspace, address, {
    admin: `${secret.admin},admin,admin,"system:masters"`,
    manager: `${secret.manager},system:kube-controller-manager,manager`,
  });
  const etcdUrl = `http://${loopback}:2379`;
  const etcdPeerUrl = `http://${loopback}:2380`;
  const etcd = workspace.start('etcd', programPath('etcd'), [
    `--data-dir=${files.file('etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${etcdPeerUrl}`,
    `--initial-advertise-peer-urls=${etcdPeerUrl}`,
    `--initial-cluster=default=${etcdPeerUrl}`,
    // What is measured waits for the disk, as in a cluster; what is only tested does not.
    ...(options.fsync === true ? [] : ['--unsafe-no-fsync']),
    '--log-level=warn',
  ]);
  const apiServerArgs = [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${address}`,
    `--secure-port=${API_PORT}`,
    `--cert-dir=${files.directory}`,
    `--tls-cert-file=${files.file('server.crt')}`,
    `--tls-private-key-file=${files.file('server.key')}`,
    `--token-auth-file=${files.file('tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${files.file('accounts.pub')}`,
    `--service-account-signing-key-file=${files.file('accounts.key')}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    // Its own address is a loopback one, which an Endpoints object may not hold.
    '--endpoint-reconciler-type=none',
    '--profiling=false',
    '--v=1',
  ];
  const url = `https://${address}:${API_PORT}`;
  const controlPlane = new ControlPlane(
    workspace,
    url,
    caPem,
    certificate,
    secret.admin,
    etcd,
    etcdUrl,
    () => workspace.start('kube-apiserver', programPath('kube-apiserver'), apiServerArgs),
  );
  await controlPlane.ready();
  if (options.controllerManager === true) {
    const kubeconfig = files.file('controller-manager.kubeconfig');
    writeKubeconfig(kubeconfig, { url, caPem, token: secret.manager });
    workspace.start('kube-controller-manager', programPath('kube-controller-manager'), [
      `--kubeconfig=${kubeconfig}`,
      `--service-account-private-key-file=${files.file('accounts.key')}`,
      `--root-ca-file=${files.file('ca.crt')}`,
      `--cert-dir=${files.directory}`,
      `--bind-address=${address}`,
      '--secure-port=10257',
      '--leader-elect=false',
      '--use-service-account-credentials',
      // No Node object stands behind our pods: two of these would delete them, one make more.
      `--controllers=${['*', ...OUR_PART.map((name) => `-${name}`)].join(',')}`,
    ]);
  }
  return controlPlane;
}
