// What the faults are done to: a real group of three, a second one of one pod, a real webhook, all on one real API server.

import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { PAUSE_ANNOTATION, requestLeaseName } from '../../src/names.ts';
import { AGENT_PORT } from '../harness/free-ports.ts';
import type { Group } from '../harness/group.ts';
import { oneMaster } from '../harness/one-master.ts';
import type { Pod } from '../harness/pod.ts';
import { emptyGroup, openStage, type Stage } from '../harness/scenario.ts';
import {
  applyBase,
  startWebhook,
  SYSTEM,
  webhookReady,
  type WebhookProcess,
} from '../kube/webhook-setup.ts';
import { freePorts } from '../harness/free-ports.ts';
import type { Target } from './prometheus.ts';

/** A container that ends is back soon: at a hundredth of the time, a second would be two minutes. */
const RESTART_MS = 200;

export type AlertStage = Stage & {
  readonly group: Group;
  /** Its failover is paused from beginning to end. */
  readonly paused: Group;
  readonly webhook: WebhookProcess;
  readonly targets: readonly Target[];
};

export async function openAlertStage(t: Test): Promise<AlertStage> {
  const stage = await openStage(t);
  const [httpsPort = 0] = await freePorts(1);
  applyBase(stage.controlPlane, httpsPort);
  const webhook = await startWebhook(stage.controlPlane, httpsPort, ['--round-interval=500ms']);
  const options = { restartDelayMs: RESTART_MS };
  const [group, paused] = [
    await emptyGroup(t, stage, options),
    await emptyGroup(t, stage, { ...options, name: 'drill' }),
  ];
  await Promise.all([group.scaleUp(3), paused.scaleUp(1), webhookReady(webhook)]);
  const targets = [
    ...[group, paused].flatMap(targetsOf),
    { address: `127.0.0.1:${webhook.healthPort}`, labels: { namespace: SYSTEM, pod: 'webhook' } },
  ];
  await Promise.all([masterOf(group), oneMaster(paused, { timeoutMs: 30_000 })]);
  return { ...stage, group, paused, webhook, targets };
}

function targetsOf({ account: { namespace }, pods }: Group): readonly Target[] {
  return pods.map(({ ip, name }) => ({
    address: `${ip}:${AGENT_PORT}`,
    labels: { namespace, pod: name },
  }));
}

/** Once all follow it. */
export async function masterOf(group: Group): Promise<Pod> {
  return await oneMaster(group, { timeoutMs: 40_000 });
}

export async function replicasOf(group: Group): Promise<readonly [Pod, Pod]> {
  const [one, other] = group.others(await masterOf(group));
  if (one === undefined || other === undefined) throw new Error('the group has three pods');
  return [one, other];
}

export async function pauseFailover(group: Group): Promise<void> {
  const expires = new Date(Date.now() + 24 * 3600_000).toISOString();
  const pause = JSON.stringify({ by: 'the test', reason: 'an alert is to fire', expires });
  await writePause(group, pause);
}

export async function resumeFailover(group: Group): Promise<void> {
  await writePause(group, null);
}

async function writePause(group: Group, pause: string | null): Promise<void> {
  const name = requestLeaseName(group.name);
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${group.account.namespace}/leases`;
  const metadata = { name, annotations: { [PAUSE_ANNOTATION]: pause } };
  const known = await group.admin.find(`${leases}/${name}`);
  if (known !== undefined) await group.admin.patch(`${leases}/${name}`, { metadata });
  else
    await group.admin.create(leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
    });
  // All agents follow that Lease by a watch.
  await delay(500);
}
