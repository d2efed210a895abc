// Decisions that depend on more than the pod: the namespace, the installation, the labels.

import { test } from 'tap';
import { decide } from '../../webhook/core/decide.ts';
import type { CoreConfig, Decision, NamespaceFacts } from '../../webhook/core/plan.ts';
import type { Pod } from '../../webhook/core/pod.ts';
import { toPatch } from '../../webhook/core/patch.ts';
import { CORE, NAMESPACE, redisPod } from './webhook-fixtures.ts';

const INJECT = 'redis-orchestrator.io/inject';

function codeOf(decision: Decision): string {
  switch (decision.kind) {
    case 'skip':
      return `skip ${decision.reason.code}`;
    case 'deny':
      return `deny ${decision.reasons.map(({ code }) => code).join(' ')}`;
    case 'inject':
      return 'inject';
  }
}

function decided(
  pod: Pod,
  namespace: Partial<NamespaceFacts> = {},
  config: Partial<CoreConfig> = {},
): string {
  return codeOf(decide(pod, { ...NAMESPACE, ...namespace }, { ...CORE, ...config }));
}

const labelled = (value: string): Pod =>
  redisPod({}, { metadata: { labels: { app: 'redis', [INJECT]: value } } });

void test('system namespaces and our own are never injected, whatever a pod says', async (t) => {
  for (const pod of [redisPod(), labelled('enabled')]) {
    t.equal(decided(pod, { name: 'kube-system' }), 'skip namespace-excluded');
    t.equal(decided(pod, { name: 'redis-orchestrator-system' }), 'skip own-pod');
  }
});

void test('a namespace that is not ready refuses, but only what would be injected', async (t) => {
  t.equal(decided(redisPod(), { isReady: false }), 'deny namespace-not-ready');
  t.equal(decided(redisPod(), { isReady: false, problem: 'denied' }), 'deny namespace-failed');
  const client = redisPod({ command: ['sleep', '1'] }, { metadata: { labels: { app: 'x' } } });
  t.equal(decided(client, { isReady: false }), 'skip not-redis');
  t.equal(decided(labelled('disabled'), { isReady: false }), 'skip opted-out');
});

void test('the label of the pod wins over that of the namespace', async (t) => {
  t.equal(decided(labelled('enabled'), { isEnabled: false }), 'inject');
  t.equal(decided(labelled('disabled')), 'skip opted-out');
});

void test('a misspelt label is told: in a labelled namespace beside the injection', async (t) => {
  t.equal(decided(labelled('Enabled'), { isEnabled: false }), 'skip label-misspelt');
  const decision = decide(labelled('true'), NAMESPACE, CORE);
  t.equal(decision.kind, 'inject');
  t.same(decision.kind === 'inject' && decision.warnings.map(({ code }) => code), [
    'label-misspelt',
  ]);
});

void test('without native sidecars the agent is the last container, and never restarts alone', async (t) => {
  const pod = redisPod();
  const decision = decide(pod, NAMESPACE, { ...CORE, nativeSidecar: false });
  if (decision.kind !== 'inject') throw new Error(codeOf(decision));
  const last = toPatch(pod, decision.plan).at(-1);
  t.equal(last?.path, '/spec/containers/-');
  t.notOk(decision.plan.agent.restartPolicy);
});

void test('Windows, static and Job pods', async (t) => {
  const windows = redisPod();
  if (windows.spec !== undefined) windows.spec.nodeSelector = { 'kubernetes.io/os': 'windows' };
  t.equal(decided(windows), 'skip windows-pod');
  const annotations = { 'kubernetes.io/config.mirror': 'x' };
  t.equal(decided(redisPod({}, { metadata: { annotations } })), 'skip mirror-pod');
  const ownerReferences = [{ kind: 'Job', name: 'load', uid: 'u' }];
  t.equal(decided(redisPod({}, { metadata: { ownerReferences } })), 'skip job-pod');
  const labels = { [INJECT]: 'enabled' };
  t.equal(decided(redisPod({}, { metadata: { ownerReferences, labels } })), 'inject');
});

void test('a copy of our annotation without our container does not keep the agent away', async (t) => {
  const annotations = { 'redis-orchestrator.io/status': '{}' };
  t.equal(decided(redisPod({}, { metadata: { annotations } })), 'inject');
});

void test('a pod of class Guaranteed is told that it is none with the agent, unless the agent is one, too', async (t) => {
  const codes = (pod: Pod, config: Partial<CoreConfig> = {}): readonly string[] => {
    const decision = decide(pod, NAMESPACE, { ...CORE, ...config });
    return decision.kind === 'inject' ? decision.warnings.map(({ code }) => code) : [decision.kind];
  };
  const bounds = { cpu: '500m', memory: '1Gi' };
  const guaranteed = redisPod({ resources: { limits: bounds, requests: { memory: '1024Mi' } } });
  t.same(codes(guaranteed), ['qos-lowered']);
  const even = { cpuRequest: '1', cpuLimit: '1000m', memoryRequest: '192Mi', memoryLimit: '192Mi' };
  t.same(codes(guaranteed, { resources: even }), []);
  const burstable = { limits: bounds, requests: { cpu: '100m' } };
  for (const resources of [
    {},
    burstable,
    { limits: { cpu: '1' } },
    { limits: { ...bounds, cpu: '0' } },
  ]) {
    t.same(codes(redisPod({ resources })), [], JSON.stringify(resources));
  }
  const whole = { cpu: '2', memory: '4Gi' };
  const spec = { ...guaranteed.spec, resources: { limits: whole, requests: whole } };
  t.same(codes(redisPod({}, { spec })), [], 'of the whole pod');
});
