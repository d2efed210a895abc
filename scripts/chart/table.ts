// The chart's values: the one table from which its templates, values.yaml, values.schema.json and the table of
// docs/helm.md are made. A default is never written here where the base or an option of the webhook has it.

import { WEBHOOK_OPTIONS } from '../../webhook/config.ts';
import {
  AFFINITY,
  PULL_SECRETS,
  QUANTITY,
  RESOURCES,
  type Schema,
  TOLERATIONS,
} from './kubernetes-schemas.ts';

export type ChartValue = {
  readonly text: string;
  readonly schema: Schema;
  /** An option of the webhook, whose default it has: another value becomes a flag. */
  readonly flag?: keyof typeof WEBHOOK_OPTIONS;
  /** The value is a list, the flag's text has this between its parts. */
  readonly separator?: string;
  /** Where it stands in the base, as FILE#/POINTER; the default is read there, unless `flag` tells it. */
  readonly base?: string | readonly string[];
  /** The expression that is put there instead of the bare value. */
  readonly template?: string;
  /** The default of what neither the base nor the webhook knows. */
  readonly fallback?: unknown;
  /** Where it is not empty, the field `key` is put behind this place of the base. */
  readonly behind?: string;
  readonly key?: string;
  /** In a values file `null` takes it away. */
  readonly isOptional?: boolean;
};

const CONTAINER = 'deployment.yaml#/spec/template/spec/containers/0';
const ACCOUNT = 'deployment.yaml#/spec/template/spec/serviceAccountName';
const inBothWebhooks = (field: string): readonly string[] =>
  [0, 1].map((index) => `webhook-configuration.yaml#/webhooks/${index}/${field}`);

const SWITCH: Schema = { type: 'boolean' };
const NAME: Schema = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$' };
const NAME_OR_NONE: Schema = { type: 'string', pattern: '^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$' };
const REPOSITORY: Schema = { type: 'string', pattern: '^[^\\s@]+$' };
const DIGEST: Schema = { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' };
const choice = (flag: keyof typeof WEBHOOK_OPTIONS): Schema => {
  const spec = WEBHOOK_OPTIONS[flag];
  return { enum: 'choices' in spec ? spec.choices : [] };
};

export const CHART_VALUES: Readonly<Record<string, ChartValue>> = {
  'image.registry': {
    fallback: '',
    schema: { type: 'string', pattern: '^[^\\s@]*$' },
    text: 'what comes before both repositories, such as a registry and a path in it',
  },
  'image.tag': {
    fallback: '',
    schema: { type: 'string', pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$' },
    text: 'tag of both images; empty: the version of the chart',
  },
  'image.pullPolicy': {
    flag: 'imagePullPolicy',
    base: `${CONTAINER}/imagePullPolicy`,
    schema: choice('imagePullPolicy'),
    text: 'pull policy of the webhook and of the agents that it injects',
  },
  imagePullSecrets: {
    fallback: [],
    behind: ACCOUNT,
    key: 'imagePullSecrets',
    schema: PULL_SECRETS,
    text: 'of the webhook; an agent is pulled with those of the Redis pod that it is injected into',
  },
  'webhook.image.repository': {
    base: `${CONTAINER}/image`,
    template: 'include "redis-orchestrator.image" (list . .Values.webhook.image)',
    schema: REPOSITORY,
    text: 'image of the webhook, without its tag',
  },
  'webhook.image.digest': {
    fallback: '',
    schema: DIGEST,
    text: 'digest of that image (`sha256:…`); given, it stands in place of the tag',
  },
  'webhook.replicas': {
    base: 'deployment.yaml#/spec/replicas',
    schema: { type: 'integer', minimum: 1, maximum: 20 },
    text: 'while none answers, no pod can be created in a labelled namespace',
  },
  'webhook.resources': {
    base: `${CONTAINER}/resources`,
    schema: RESOURCES,
    text: 'requests and limits of the webhook',
  },
  'webhook.failurePolicy': {
    base: inBothWebhooks('failurePolicy'),
    schema: { enum: ['Fail', 'Ignore'] },
    text: '`Ignore`: while no webhook answers, pods are created without an agent, and stay so',
  },
  'webhook.timeoutSeconds': {
    base: inBothWebhooks('timeoutSeconds'),
    schema: { type: 'integer', minimum: 1, maximum: 30 },
    text: 'how long the API server waits for the webhook',
  },
  'webhook.logLevel': {
    flag: 'logLevel',
    schema: choice('logLevel'),
    text: WEBHOOK_OPTIONS.logLevel.text,
  },
  'webhook.priorityClassName': {
    fallback: '',
    behind: ACCOUNT,
    key: 'priorityClassName',
    schema: NAME_OR_NONE,
    text: 'such as `system-cluster-critical`',
  },
  'webhook.affinity': {
    base: 'deployment.yaml#/spec/template/spec/affinity',
    isOptional: true,
    schema: AFFINITY,
    text: 'of the webhook; by default its pods stand on different nodes where they can',
  },
  'webhook.tolerations': {
    fallback: [],
    behind: 'deployment.yaml#/spec/template/spec/affinity',
    key: 'tolerations',
    schema: TOLERATIONS,
    text: 'taints of nodes that the webhook may run on',
  },
  'webhook.pdb.enabled': {
    fallback: true,
    schema: SWITCH,
    text: 'a PodDisruptionBudget, where there are more replicas than it keeps',
  },
  'webhook.pdb.minAvailable': {
    base: 'pod-disruption-budget.yaml#/spec/minAvailable',
    schema: { type: 'integer', minimum: 1 },
    text: 'how many webhooks a drain of nodes leaves running',
  },
  'webhook.certificates.source': {
    fallback: 'generated',
    schema: { enum: ['generated', 'secret'] },
    text: '`generated`: the webhook makes its own and renews them; `secret`: somebody else does',
  },
  'webhook.certificates.secretName': {
    fallback: '',
    schema: NAME_OR_NONE,
    text: 'for `secret`: a Secret with `tls.crt`, `tls.key` and `ca.crt`, as cert-manager makes it',
  },
  'injection.selector': {
    flag: 'selector',
    separator: ';',
    schema: { type: 'array', items: { type: 'string', pattern: '^[^=;\\s]+=[^=;\\s]*$' } },
    text: 'labels of pods that are surely Redis: one `label=value` is enough',
  },
  'injection.excludedNamespaces': {
    flag: 'excludedNamespaces',
    separator: ',',
    base: [
      'webhook-configuration.yaml#/webhooks/0/namespaceSelector/matchExpressions/1/values',
      'webhook-configuration.yaml#/webhooks/1/namespaceSelector/matchExpressions/0/values',
    ],
    template: 'append .Values.injection.excludedNamespaces .Release.Namespace | uniq | toYaml',
    schema: { type: 'array', items: NAME },
    text: 'namespaces that are never injected; the own one of the release never is',
  },
  'injection.nativeSidecar': {
    flag: 'nativeSidecar',
    // YAML reads a bare true as what it is.
    schema: { enum: ['auto', 'true', 'false', true, false] },
    text: WEBHOOK_OPTIONS.nativeSidecar.text,
  },
  'agent.image.repository': {
    fallback: 'redis-orchestrator/agent',
    schema: REPOSITORY,
    text: 'image of the agent that is injected, without its tag',
  },
  'agent.image.digest': {
    fallback: '',
    schema: DIGEST,
    text: 'digest of that image; given, it stands in place of the tag',
  },
  'agent.resources.requests.cpu': {
    flag: 'cpuRequest',
    schema: QUANTITY,
    text: WEBHOOK_OPTIONS.cpuRequest.text,
  },
  'agent.resources.requests.memory': {
    flag: 'memoryRequest',
    schema: QUANTITY,
    text: WEBHOOK_OPTIONS.memoryRequest.text,
  },
  'agent.resources.limits.cpu': {
    flag: 'cpuLimit',
    schema: QUANTITY,
    text: WEBHOOK_OPTIONS.cpuLimit.text,
  },
  'agent.resources.limits.memory': {
    flag: 'memoryLimit',
    schema: QUANTITY,
    text: WEBHOOK_OPTIONS.memoryLimit.text,
  },
  'rbac.create': {
    fallback: true,
    schema: SWITCH,
    text: '`false`: somebody else binds the rights of the templates to the service accounts',
  },
  'rbac.peopleRoles': {
    fallback: true,
    schema: SWITCH,
    text: 'roles for the command line: `redis-orchestrator-viewer`, a part of `view`, and `redis-orchestrator-operator`',
  },
  'networkPolicy.enabled': {
    fallback: true,
    schema: SWITCH,
    text: 'a NetworkPolicy that lets in the two ports of the webhook alone',
  },
  'helmTest.enabled': {
    fallback: true,
    schema: SWITCH,
    text: 'what `helm test` runs: `check --installation` in a pod of its own',
  },
  'helmTest.resources': {
    fallback: {
      requests: { cpu: '25m', memory: '96Mi' },
      limits: { cpu: '1', memory: '256Mi' },
    },
    schema: RESOURCES,
    text: 'requests and limits of that pod',
  },
};
