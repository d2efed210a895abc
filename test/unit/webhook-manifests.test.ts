// What the manifests must keep true: disjoint selectors, the rights of the agent in one version.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { AGENT_RULES } from '../../webhook/agent-role.ts';

type Expression = { key: string; operator: string; values?: string[] };
type Selector = { matchExpressions?: Expression[] };
type Webhook = { name: string; namespaceSelector: Selector; objectSelector: Selector };
type Rule = { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] };
type Manifest = {
  kind: string;
  metadata: { name: string };
  webhooks?: Webhook[];
  rules?: Rule[];
  spec?: unknown;
};

const directory = fileURLToPath(new URL('../../manifests/', import.meta.url));

function load(path: string): Manifest[] {
  const text = readFileSync(join(directory, path), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** Kubernetes' own rule: NotIn also matches where the key is absent. */
function matches(selector: Selector, labels: Record<string, string>): boolean {
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      default:
        return value === undefined;
    }
  });
}

const KEY = 'redis-orchestrator.io/inject';
const VALUES = [undefined, 'enabled', 'disabled', 'enable', ''];
const labelled = (value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [KEY]: value };

const configuration = load('base/webhook-configuration.yaml')[0];
const webhooks = configuration?.webhooks ?? [];

function callers(namespace: string, onNamespace: string | undefined, onPod: string | undefined) {
  const labels = { 'kubernetes.io/metadata.name': namespace, ...labelled(onNamespace) };
  return webhooks.filter(
    (webhook) =>
      matches(webhook.namespaceSelector, labels) &&
      matches(webhook.objectSelector, labelled(onPod)),
  );
}

void test('no pod is sent twice, and each that should be is sent once', async (t) => {
  t.equal(webhooks.length, 2);
  for (const onNamespace of VALUES) {
    for (const onPod of VALUES) {
      const count = callers('shop', onNamespace, onPod).length;
      const isWanted = onPod === undefined ? onNamespace === 'enabled' : onPod !== 'disabled';
      t.equal(count, isWanted ? 1 : 0, `namespace ${onNamespace}, pod ${onPod}`);
      for (const system of ['kube-system', 'redis-orchestrator-system']) {
        t.equal(callers(system, onNamespace, onPod).length, 0, system);
      }
    }
  }
});

void test('no manifest renders a caBundle', async (t) => {
  t.notMatch(readFileSync(join(directory, 'base/webhook-configuration.yaml'), 'utf8'), /caBundle:/);
});

void test("the hand-written Role is the agent's", async (t) => {
  const role = load('examples/hand-written-sidecar.yaml').find(({ kind }) => kind === 'Role');
  t.same(role?.rules, AGENT_RULES);
});

void test('the webhook holds every right that it grants, unrestricted by names', async (t) => {
  const rules = load('base/rbac.yaml').find(({ kind }) => kind === 'ClusterRole')?.rules ?? [];
  for (const wanted of AGENT_RULES) {
    const held = rules.filter(
      (rule) =>
        rule.resourceNames === undefined &&
        rule.apiGroups[0] === wanted.apiGroups?.[0] &&
        rule.resources.includes(wanted.resources?.[0] ?? ''),
    );
    const verbs = new Set(held.flatMap((rule) => rule.verbs));
    t.ok(
      wanted.verbs.every((verb) => verbs.has(verb)),
      String(wanted.resources),
    );
  }
  const dangerous = rules.filter(({ verbs }) =>
    verbs.some((verb) => /escalate|bind|\*/.test(verb)),
  );
  t.same(dangerous, []);
});

void test("Service, NetworkPolicy and disruption budget find the Deployment's pods, and its ports", async (t) => {
  type Port = { name?: string; port?: unknown; targetPort?: unknown };
  type Labels = Record<string, string>;
  const spec = (file: string): unknown => load(`base/${file}`)[0]?.spec;
  const { template } = spec('deployment.yaml') as {
    template: { metadata: { labels: Labels }; spec: { containers: { ports: Port[] }[] } };
  };
  const { labels } = template.metadata;
  const ports = template.spec.containers.flatMap((container) => container.ports);
  const names = ports.map(({ name }) => name);
  const service = spec('service.yaml') as { selector: Labels; ports: Port[] };
  t.same(service.selector, labels);
  t.same(
    service.ports.map(({ targetPort }) => targetPort),
    ['https'],
  );
  const budget = spec('pod-disruption-budget.yaml') as { selector: { matchLabels: Labels } };
  t.same(budget.selector.matchLabels, labels);
  const policy = spec('network-policy.yaml') as {
    podSelector: { matchLabels: Labels };
    policyTypes: string[];
    ingress: { ports: Port[] }[];
  };
  t.same(policy.podSelector.matchLabels, labels);
  t.same(policy.policyTypes, ['Ingress']);
  t.same(
    policy.ingress.flatMap((rule) => rule.ports.map(({ port }) => port)),
    names,
    'nothing but its two ports can be reached',
  );
});

void test('the plain examples know nothing about us', async (t) => {
  for (const file of ['plain-redis.yaml', 'plain-valkey.yaml']) {
    const text = readFileSync(join(directory, 'examples', file), 'utf8').replace(/^#.*$/gm, '');
    t.notMatch(text, /orchestrator/, file);
  }
});
