// JSON Schemas of what the chart hands on to Kubernetes as it is. Written out, not left open: a key that is
// misspelt in a values file is refused there too, before anything reaches a cluster.

export type Schema = { readonly [key: string]: unknown };

export function object(properties: Readonly<Record<string, Schema>>, rest: Schema = {}): Schema {
  return { type: 'object', additionalProperties: false, properties, ...rest };
}

const TEXT: Schema = { type: 'string' };
const WORD: Schema = { type: 'string', minLength: 1 };
const list = (items: Schema): Schema => ({ type: 'array', items });
const WEIGHT: Schema = { type: 'integer', minimum: 1, maximum: 100 };

/** As resource.Quantity reads it; a bare number is one, too. */
export const QUANTITY: Schema = {
  type: ['string', 'number'],
  pattern: '^[0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$',
  minimum: 0,
};

const AMOUNTS = object({ cpu: QUANTITY, memory: QUANTITY, 'ephemeral-storage': QUANTITY });

export const RESOURCES = object({ requests: AMOUNTS, limits: AMOUNTS });

const EXPRESSION = object(
  {
    key: WORD,
    operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] },
    values: list(TEXT),
  },
  { required: ['key', 'operator'] },
);

const NODE_TERM = object({ matchExpressions: list(EXPRESSION), matchFields: list(EXPRESSION) });

const LABEL_SELECTOR = object({
  matchLabels: { type: 'object', additionalProperties: TEXT },
  matchExpressions: list(EXPRESSION),
});

const POD_TERM = object(
  {
    labelSelector: LABEL_SELECTOR,
    namespaceSelector: LABEL_SELECTOR,
    namespaces: list(WORD),
    topologyKey: WORD,
    matchLabelKeys: list(WORD),
    mismatchLabelKeys: list(WORD),
  },
  { required: ['topologyKey'] },
);

const POD_AFFINITY = object({
  requiredDuringSchedulingIgnoredDuringExecution: list(POD_TERM),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    object(
      { weight: WEIGHT, podAffinityTerm: POD_TERM },
      { required: ['weight', 'podAffinityTerm'] },
    ),
  ),
});

export const AFFINITY = object({
  nodeAffinity: object({
    requiredDuringSchedulingIgnoredDuringExecution: object(
      { nodeSelectorTerms: list(NODE_TERM) },
      { required: ['nodeSelectorTerms'] },
    ),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      object({ weight: WEIGHT, preference: NODE_TERM }, { required: ['weight', 'preference'] }),
    ),
  }),
  podAffinity: POD_AFFINITY,
  podAntiAffinity: POD_AFFINITY,
});

export const TOLERATIONS = list(
  object({
    key: TEXT,
    operator: { enum: ['Exists', 'Equal', 'Lt', 'Gt'] },
    value: TEXT,
    effect: { enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute', ''] },
    tolerationSeconds: { type: 'integer' },
  }),
);

export const PULL_SECRETS = list(object({ name: WORD }, { required: ['name'] }));
