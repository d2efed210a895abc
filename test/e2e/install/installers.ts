// The ways in which people install the product: both Helms, and kustomize. Each into a namespace of its own choice.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Test } from 'tap';
import { createAuthority, issueCertificate } from '../../harness/certificates.ts';
import { CHART, Helm, type HelmAnswer, type HelmMajor } from '../../harness/helm.ts';
import { REPOSITORY } from '../../harness/programs.ts';
import { type Cluster, SYSTEM_NAMESPACE } from '../cluster.ts';

export type Installer = {
  readonly name: string;
  readonly namespace: string;
  readonly install: () => Promise<unknown>;
  /** To UPGRADED: what the API server is told, and what the webhook's pods are started with. */
  readonly upgrade: () => Promise<unknown>;
  readonly uninstall: () => Promise<unknown>;
  /** Kustomize has none. */
  readonly test?: () => Promise<HelmAnswer>;
};

export const UPGRADED = { timeoutSeconds: 7, flag: '--log-level=debug' } as const;

const BASE = join(REPOSITORY, 'manifests', 'base');

function byHelm(
  cluster: Cluster,
  major: HelmMajor,
  prepare: (namespace: string) => Promise<object> = async () => await Promise.resolve({}),
): Installer {
  const helm = new Helm(major, cluster.kubeconfig);
  const namespace = `ha-by-helm-${major}`;
  const own = ['cache-ha', `--namespace=${namespace}`, '--wait', '--timeout=120s'];
  return {
    name: `helm ${major}`,
    namespace,
    install: async () => await helm.run(['install', ...own, CHART, '--create-namespace']),
    upgrade: async () => {
      const { timeoutSeconds } = UPGRADED;
      const webhook = { timeoutSeconds, logLevel: 'debug', ...(await prepare(namespace)) };
      return await helm.run(['upgrade', ...own, CHART, '--values=-'], { webhook });
    },
    uninstall: async () => await helm.run(['uninstall', ...own]),
    test: async () => {
      const args = ['test', 'cache-ha', `--namespace=${namespace}`, '--timeout=60s'];
      // Of itself Helm 3 shows the log as it is, and Helm 4 in one line of its own.
      return await helm.ask(major === 3 ? args : [...args, '--logs']);
    },
  };
}

/** As cert-manager would: a Secret with a certificate of the Service, and its authority. */
async function foreignCertificates({ core }: Cluster, namespace: string): Promise<object> {
  const authority = await createAuthority('webhook-ca');
  const service = `redis-orchestrator-webhook.${namespace}.svc`;
  const { certPem, keyPem } = await issueCertificate(authority, service, { dns: [service] });
  const secretName = 'webhook-tls';
  const stringData = { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': authority.certPem };
  const body = { metadata: { name: secretName }, type: 'kubernetes.io/tls', stringData };
  await core.createNamespacedSecret({ namespace, body });
  return { certificates: { source: 'secret', secretName } };
}

/** What a person writes who wants other values than the base has. */
function overlayText(folder: string): string {
  const patch = (kind: string, name: string, operations: readonly object[]): object => ({
    target: { kind, name },
    patch: JSON.stringify(operations),
  });
  const timeouts = [0, 1].map((index) => ({
    op: 'replace',
    path: `/webhooks/${index}/timeoutSeconds`,
    value: UPGRADED.timeoutSeconds,
  }));
  const flag = {
    op: 'add',
    path: '/spec/template/spec/containers/0/args/-',
    value: UPGRADED.flag,
  };
  return JSON.stringify({
    // kustomize takes relative paths only.
    resources: [relative(folder, BASE)],
    patches: [
      patch('MutatingWebhookConfiguration', 'redis-orchestrator', timeouts),
      patch('Deployment', 'redis-orchestrator-webhook', [flag]),
    ],
  });
}

function byKustomize(t: Test, cluster: Cluster): Installer {
  const overlay = join(t.testdir(), 'overlay');
  mkdirSync(overlay);
  writeFileSync(join(overlay, 'kustomization.yaml'), overlayText(overlay));
  const apply = async (folder: string): Promise<void> => {
    await cluster.kubectl(['apply', '-k', folder]);
    const status = ['rollout', 'status', 'deployment/redis-orchestrator-webhook', '--timeout=120s'];
    await cluster.kubectl(['-n', SYSTEM_NAMESPACE, ...status]);
  };
  return {
    name: 'kubectl apply -k',
    namespace: SYSTEM_NAMESPACE,
    install: async () => await apply(BASE),
    upgrade: async () => await apply(overlay),
    uninstall: async () => await cluster.kubectl(['delete', '-k', overlay]),
  };
}

export function installers(t: Test, cluster: Cluster): readonly Installer[] {
  return [
    byKustomize(t, cluster),
    byHelm(cluster, 3),
    // On the way the webhook changes to certificates of somebody else.
    byHelm(cluster, 4, async (namespace) => await foreignCertificates(cluster, namespace)),
  ];
}

/** Whatever an earlier run left: there is one installation for each cluster. */
export async function removeProduct({ kubectl }: Cluster): Promise<void> {
  await kubectl(['delete', '-k', BASE, '--ignore-not-found']);
}
