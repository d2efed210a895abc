// The real webhook as a process beside a real API server: the base's own RBAC and configuration,
// with a URL in place of the Service, because nothing routes Services here.

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { webhookProgram } from '../harness/agent-program.ts';
import { freePorts } from '../harness/free-ports.ts';
import { writeKubeconfig } from '../harness/kubeconfig.ts';
import { programPath, REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { type ManagedProcess, type StartOptions, Workspace } from '../harness/workspace.ts';

export const SYSTEM = 'redis-orchestrator-system';
export const CONFIGURATION =
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/redis-orchestrator';

/** Where the certificate authority is kept. */
export const CA_SECRET = `/api/v1/namespaces/${SYSTEM}/secrets/redis-orchestrator-webhook-ca`;

type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  webhooks?: { name: string; clientConfig: Record<string, unknown> }[];
};

export type WebhookProcess = {
  readonly process: ManagedProcess;
  readonly httpsPort: number;
  readonly healthPort: number;
};

/** Standard output and standard error together: warnings come on the latter. */
export function kubectl(controlPlane: ControlPlane, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(
    programPath('kubectl'),
    [`--kubeconfig=${controlPlane.adminKubeconfig}`, ...args],
    { input, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return `${stdout}${stderr}`;
}

function baseManifests(): Manifest[] {
  const text = execFileSync(
    programPath('kubectl'),
    ['kustomize', join(REPOSITORY, 'manifests', 'base')],
    { encoding: 'utf8' },
  );
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** All of the base but the Deployment, which needs nodes; `httpsPort` is where the webhook is. */
export function baseAt(httpsPort: number): string {
  const manifests = baseManifests().filter(({ kind }) => kind !== 'Deployment');
  for (const { webhooks } of manifests) {
    for (const webhook of webhooks ?? []) {
      webhook.clientConfig = { url: `https://127.0.0.1:${httpsPort}/mutate` };
    }
  }
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
}

export function applyBase(controlPlane: ControlPlane, httpsPort: number): void {
  kubectl(controlPlane, ['apply', '-f', '-'], baseAt(httpsPort));
}

export type WebhookStage = { readonly controlPlane: ControlPlane; readonly httpsPort: number };

/** Once per test file: a control plane that knows the base, and where its webhook is to be. */
export async function openWebhookStage(t: Pick<Test, 'teardown'>): Promise<WebhookStage> {
  const workspace = new Workspace();
  t.teardown(async () => await workspace.close());
  const controlPlane = await startControlPlane(workspace, { controllerManager: true });
  const [httpsPort = 0] = await freePorts(1);
  applyBase(controlPlane, httpsPort);
  return { controlPlane, httpsPort };
}

let processes = 0;

export async function startWebhook(
  controlPlane: ControlPlane,
  httpsPort: number,
  args: readonly string[] = [],
  options: StartOptions = {},
): Promise<WebhookProcess> {
  const [healthPort = 0] = await freePorts(1);
  const { workspace, url, caPem } = controlPlane;
  const account = `/api/v1/namespaces/${SYSTEM}/serviceaccounts/redis-orchestrator-webhook/token`;
  const { status } = await controlPlane.admin.create<{ status: { token: string } }>(account, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  });
  const name = `webhook-${++processes}`;
  const kubeconfig = join(workspace.folder(name), 'kubeconfig');
  writeKubeconfig(kubeconfig, { url, caPem, token: status.token });
  const process = workspace.start(
    name,
    globalThis.process.execPath,
    [
      ...webhookProgram(),
      '--agent-image=redis-orchestrator/agent:0.1.0',
      `--https-port=${httpsPort}`,
      '--https-host=127.0.0.1',
      `--health-port=${healthPort}`,
      '--cert-names=127.0.0.1',
      '--drain-delay=500ms',
      ...args,
    ],
    { ...options, env: { KUBECONFIG: kubeconfig, POD_NAMESPACE: SYSTEM, ...options.env } },
  );
  return { process, httpsPort, healthPort };
}

export async function webhookReady({ process, healthPort }: WebhookProcess): Promise<void> {
  await waitFor(
    'the webhook is ready',
    async () => {
      if (!process.isRunning) throw new Error(`ended: ${process.tail()}`);
      return (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok;
    },
    { timeoutMs: 30_000, picture: () => process.tail() },
  );
}
