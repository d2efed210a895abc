// What the chart knows beside its single values: what goes together, and what is rendered only sometimes.

import type { Schema } from './kubernetes-schemas.ts';

/** What no single value can say: added to the schema of the group of that name. */
export const SCHEMA_RULES: Readonly<Record<string, Schema>> = {
  'webhook.certificates': {
    anyOf: [
      { properties: { source: { const: 'generated' } } },
      { properties: { secretName: { minLength: 1 } } },
    ],
  },
};

/** Helm itself puts these into the values of a chart that another one depends on. */
export const FROM_PARENT_CHARTS: Readonly<Record<string, Schema>> = {
  enabled: {
    type: 'boolean',
    description: 'for the `condition` of a chart that depends on this one; means nothing here',
  },
  global: { type: 'object', description: 'of the charts around this one; means nothing here' },
};

export type Condition = {
  readonly file: string;
  /** Only the documents of these kinds; absent: the whole file. */
  readonly kinds?: readonly string[];
  readonly when: string;
};

/** What is rendered only sometimes. */
export const CONDITIONS: readonly Condition[] = [
  { file: 'network-policy.yaml', when: '.Values.networkPolicy.enabled' },
  { file: 'rbac.yaml', when: '.Values.rbac.create' },
  { file: 'people-roles.yaml', when: '.Values.rbac.peopleRoles' },
  // The rights on the Secret of our own certificate authority, and nothing else.
  {
    file: 'rbac.yaml',
    kinds: ['Role', 'RoleBinding'],
    when: 'eq .Values.webhook.certificates.source "generated"',
  },
  // A budget that keeps every replica would forbid each drain of a node.
  {
    file: 'pod-disruption-budget.yaml',
    when:
      'and .Values.webhook.pdb.enabled ' +
      '(gt (int .Values.webhook.replicas) (int .Values.webhook.pdb.minAvailable))',
  },
];
