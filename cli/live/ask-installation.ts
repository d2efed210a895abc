// What check asks about an installation that is there: the webhook, and what it makes in namespaces.

import { X509Certificate } from 'node:crypto';
import { isMap, type Fields } from '../../src/json.ts';
import { AGENT_ROLE, AGENT_SERVICE_ACCOUNT } from '../../src/names.ts';
import type { BaseObject } from '../base-objects.ts';
import type { Deployment, InstallationFacts } from '../commands/check-installation.ts';
import { type Configuration, serviceNamespace } from '../commands/check-presence.ts';
import type { Cluster } from './cluster.ts';
import { apiPath } from './raw-objects.ts';
import { seenList, seenOrAbsent } from './seen.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** What the webhook makes in each namespace that asks for it (webhook/control/namespace-access.ts). */
const MADE = [
  ['ServiceAccount', 'v1', 'serviceaccounts', AGENT_SERVICE_ACCOUNT],
  ['Role', `${RBAC}/v1`, `roles.${RBAC}`, AGENT_ROLE],
  ['RoleBinding', `${RBAC}/v1`, `rolebindings.${RBAC}`, AGENT_ROLE],
] as const;

export type Scope = {
  /** Null: all of them. */
  readonly namespace: string | null;
  /** Of those, the ones that ask for injection. */
  readonly asking: readonly string[];
  readonly systemNamespace: string;
  readonly nowEpochMs: number;
};

export async function askInstallation(
  cluster: Cluster,
  objects: readonly BaseObject[],
  { namespace, asking, systemNamespace: given, nowEpochMs }: Scope,
): Promise<InstallationFacts> {
  const nameOf = (kind: string): string => objects.find((each) => each.kind === kind)?.name ?? '';
  const webhooks = 'mutatingwebhookconfigurations';
  const group = 'admissionregistration.k8s.io';
  const name = nameOf('MutatingWebhookConfiguration');
  const configuration = await seenOrAbsent<Configuration>(cluster, {
    right: {
      verb: 'get',
      resource: `${webhooks}.${group}`,
      namespace: null,
      name,
      isClusterWide: true,
    },
    path: `${apiPath(`${group}/v1`, webhooks, null)}/${name}`,
  });
  const entries = (configuration.ok ? configuration.value?.webhooks : undefined) ?? [];
  const systemNamespace = serviceNamespace(entries[0]) ?? given;
  const deploymentName = nameOf('Deployment');
  const right = { resource: 'deployments.apps', namespace: systemNamespace } as const;
  const [deployment, ...made] = await Promise.all([
    seenOrAbsent<Deployment>(cluster, {
      right: { verb: 'get', ...right, name: deploymentName },
      path: `${apiPath('apps/v1', 'deployments', systemNamespace)}/${deploymentName}`,
    }),
    ...MADE.map(async ([kind, apiVersion, resource, objectName]) => {
      const selector = `&fieldSelector=${encodeURIComponent(`metadata.name=${objectName}`)}`;
      // Where nobody asks, nothing is made.
      const list =
        asking.length === 0
          ? { ok: true as const, value: [] }
          : await seenList<Placed>(cluster, apiVersion, resource, namespace, selector);
      const where = list.ok ? { ok: true as const, value: list.value.map(namespaceOf) } : list;
      return { kind, where };
    }),
  ]);
  const authorityEnds = entries.map(authorityEnd);
  return {
    configuration,
    deployment,
    deploymentName,
    systemNamespace,
    authorityEnds,
    nowEpochMs,
    asking,
    made,
  };
}

type Placed = { readonly metadata?: { readonly namespace?: string } };

function namespaceOf({ metadata }: Placed): string {
  return metadata?.namespace ?? '';
}

/** The last of them counts: while they are exchanged an old one stands beside a new one. */
function authorityEnd(webhook: Fields): number | null {
  const config = isMap(webhook['clientConfig']) ? webhook['clientConfig'] : {};
  const { caBundle } = config;
  if (typeof caBundle !== 'string') return null;
  const text = Buffer.from(caBundle, 'base64').toString('utf8');
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const ends = found.flatMap((pem) => {
    try {
      return [Date.parse(new X509Certificate(pem).validTo)];
    } catch {
      return [];
    }
  });
  return ends.length === 0 ? null : Math.max(...ends);
}
