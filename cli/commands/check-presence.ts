// What check --pre finds in the place where the installation is to go: an earlier one, a namespace that is taken,
// other webhooks that are asked about pods, old kubelets, a Prometheus operator. Pure.

import { type Fields, isMap } from '../../src/json.ts';
import type { BaseObject } from '../base-objects.ts';
import { type Finding, type Seen, unseen } from './finding.ts';
import { isSelected } from './label-selector.ts';

const NAME_LABEL = 'app.kubernetes.io/name';
const HELM_VALUES =
  'the same --namespace for helm, `namespace:` in manifests/base/kustomization.yaml';

type Named = {
  readonly metadata?: {
    readonly name?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
};

/** A MutatingWebhookConfiguration. */
export type Configuration = Named & { readonly webhooks?: readonly Fields[] };

export type PresenceFacts = {
  readonly systemNamespace: string;
  /** Null: there is none. */
  readonly namespace: Seen<Named | null>;
  readonly configurations: Seen<readonly Configuration[]>;
  /** Versions, one for each node. */
  readonly kubelets: Seen<readonly string[]>;
  readonly hasPodMonitors: Seen<boolean>;
};

export function presenceFindings(
  facts: PresenceFacts,
  objects: readonly BaseObject[],
  areSidecarsNative: (versions: readonly string[]) => boolean,
): readonly Finding[] {
  const own = objects.find(({ kind }) => kind === 'MutatingWebhookConfiguration')?.name ?? '';
  const { configurations, kubelets } = facts;
  const found = configurations.ok
    ? configurations.value.find(({ metadata }) => metadata?.name === own)
    : undefined;
  return [
    ...namespaceFindings(facts, found !== undefined),
    ...(configurations.ok
      ? [
          ...(found === undefined ? [] : [installedFinding(found, facts.systemNamespace)]),
          ...otherFindings(configurations.value, own, objects, facts),
        ]
      : [unseen('webhooks', configurations.why)]),
    kubelets.ok ? kubeletFinding(areSidecarsNative(kubelets.value)) : unseen('nodes', kubelets.why),
    monitoringFinding(facts.hasPodMonitors),
  ];
}

function namespaceFindings(
  { namespace, systemNamespace }: PresenceFacts,
  isInstalled: boolean,
): readonly Finding[] {
  const about = `namespace ${systemNamespace}`;
  if (!namespace.ok) return [unseen(about, namespace.why)];
  const { value } = namespace;
  if (value === null) return [{ level: 'ok', about, text: 'it is free' }];
  if (value.metadata?.deletionTimestamp !== undefined) {
    const text = 'it is being deleted: nothing can be made in it';
    const remedy = 'wait until it is gone (kubectl get namespace), and call this again';
    return [{ level: 'error', about, code: 'namespace-ends', text, remedy }];
  }
  if (isInstalled || value.metadata?.labels?.[NAME_LABEL] === 'redis-orchestrator') return [];
  const text = 'it is there already, and nothing tells that it is meant for this';
  const remedy = `if it is somebody else's, choose another: --system-namespace here, and ${HELM_VALUES}`;
  return [{ level: 'warning', about, code: 'namespace-taken', text, remedy }];
}

function installedFinding({ metadata, webhooks = [] }: Configuration, wanted: string): Finding {
  const about = `webhook configuration ${metadata?.name}`;
  if (metadata?.labels?.[NAME_LABEL] !== 'redis-orchestrator') {
    const text = 'there is one of this name, and it is not ours: it would be written over';
    const remedy = 'find out whose it is (kubectl get mutatingwebhookconfigurations -o yaml)';
    return { level: 'error', about, code: 'name-taken', text, remedy };
  }
  const there = serviceNamespace(webhooks[0]) ?? wanted;
  if (there !== wanted) {
    const text = `it belongs to an installation in namespace ${there}, which this one would take it from`;
    const remedy = `install into ${there} (${HELM_VALUES}), or take that one away first`;
    return { level: 'error', about, code: 'installed-elsewhere', text, remedy };
  }
  return {
    level: 'warning',
    about,
    code: 'installed',
    text: `it is installed already, since ${metadata?.creationTimestamp}: to install is to upgrade`,
    remedy:
      'Redis pods go on with the agent that they have until kubectl rollout restart; `check -A` tells how it is',
  };
}

export function serviceNamespace(webhook: Fields | undefined): string | undefined {
  const config = isMap(webhook?.['clientConfig']) ? webhook['clientConfig'] : {};
  const service = isMap(config['service']) ? config['service'] : {};
  return typeof service['namespace'] === 'string' ? service['namespace'] : undefined;
}

function has(value: unknown, ...wanted: readonly string[]): boolean {
  return Array.isArray(value) && value.some((each) => wanted.includes(String(each)));
}

function isAskedAboutPods({ rules }: Fields): boolean {
  return (Array.isArray(rules) ? rules.filter(isMap) : []).some(
    ({ apiGroups, resources, operations }) =>
      has(apiGroups, '', '*') &&
      has(resources, 'pods', '*', '*/*') &&
      has(operations, 'CREATE', '*'),
  );
}

/** Those that would be asked about a pod of our own webhook, and without which it could not be made. */
function isInTheWay(webhook: Fields, objects: readonly BaseObject[], namespace: Fields): boolean {
  const template = objects.find(({ kind }) => kind === 'Deployment')?.value['spec'];
  const pod = isMap(template) && isMap(template['template']) ? template['template'] : {};
  return (
    isAskedAboutPods(webhook) &&
    webhook['failurePolicy'] !== 'Ignore' &&
    isSelected(webhook['namespaceSelector'], namespace) &&
    isSelected(webhook['objectSelector'], labelsIn(pod))
  );
}

function labelsIn(object: Fields): Fields {
  const metadata = isMap(object['metadata']) ? object['metadata'] : {};
  return isMap(metadata['labels']) ? metadata['labels'] : {};
}

function otherFindings(
  configurations: readonly Configuration[],
  own: string,
  objects: readonly BaseObject[],
  { namespace, systemNamespace }: PresenceFacts,
): readonly Finding[] {
  const others = configurations.filter(({ metadata }) => metadata?.name !== own);
  const namesOf = (isIt: (webhook: Fields) => boolean): readonly string[] =>
    others
      .filter(({ webhooks = [] }) => webhooks.some(isIt))
      .map(({ metadata }) => metadata?.name ?? '');
  const there = namespace.ok ? namespace.value?.metadata?.labels : undefined;
  const made = objects.find(({ kind }) => kind === 'Namespace')?.value ?? {};
  const labels = { 'kubernetes.io/metadata.name': systemNamespace, ...(there ?? labelsIn(made)) };
  const about = 'other webhooks';
  const meeting = namesOf(isAskedAboutPods);
  const blocking = namesOf((webhook) => isInTheWay(webhook, objects, labels));
  return [
    meeting.length === 0
      ? { level: 'ok', about, text: 'none changes pods' }
      : {
          level: 'ok',
          about,
          text: `${meeting.join(', ')} may change pods, too; ours is asked again after them`,
        },
    ...blocking.map((name) => ({
      level: 'warning' as const,
      about: `webhook configuration ${name}`,
      code: 'webhook-in-the-way',
      text: `pods of namespace ${systemNamespace} cannot be made while it does not answer`,
      remedy: `exempt ${systemNamespace} from it: else both may be down at once, and Redis pods with them`,
    })),
  ];
}

function kubeletFinding(isNative: boolean): Finding {
  const about = 'nodes';
  if (isNative) return { level: 'ok', about, text: 'every kubelet knows native sidecars (1.29)' };
  return {
    level: 'warning',
    about,
    code: 'kubelet-old',
    text: 'a kubelet is older than 1.29: the agent becomes an ordinary container of the pod',
    remedy:
      "upgrade the nodes, and restart the StatefulSets then: it works as it is, and less well at a pod's end",
  };
}

function monitoringFinding(hasPodMonitors: Seen<boolean>): Finding {
  const about = 'monitoring';
  if (!hasPodMonitors.ok) return unseen(about, hasPodMonitors.why);
  const text = hasPodMonitors.value
    ? 'a Prometheus operator is there: kubectl apply -k manifests/monitoring brings alerts and dashboard'
    : 'no Prometheus operator: where alerts are wanted, docs/operations.md has a rule file and a scrape config';
  return { level: 'ok', about, text };
}
