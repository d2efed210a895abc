// Authority and leaf are renewed many times while the API server calls two replicas: no pod is
// refused. A year of renewals in half a minute.

import { setTimeout as delay } from 'node:timers/promises';
import { t as file, test } from 'tap';
import { startControlPlane } from '../harness/control-plane.ts';
import { freePorts } from '../harness/free-ports.ts';
import { Workspace } from '../harness/workspace.ts';
import { ReviewLoad } from './review-load.ts';
import { applyBase, CA_SECRET, startWebhook, webhookReady } from './webhook-setup.ts';

const DURATION_MS = 36_000;
// A third of either life is longer than the 3 s in which a new bundle settles.
const LIFETIMES = ['--ca-lifetime=24s', '--cert-lifetime=24s', '--log-level=warn'];

const workspace = new Workspace();
file.teardown(async () => await workspace.close());
const controlPlane = await startControlPlane(workspace, { controllerManager: true });
const { admin } = controlPlane;

void test('no pod is refused while authorities and leaves are renewed', async (t) => {
  const [one = 0, two = 0] = await freePorts(2);
  applyBase(controlPlane, one);
  const replicas = await Promise.all([
    startWebhook(controlPlane, one, LIFETIMES),
    startWebhook(controlPlane, two, LIFETIMES),
  ]);
  await Promise.all(replicas.map(webhookReady));
  // The first entry goes to one replica, the second to the other: both are called all the time.
  const load = new ReviewLoad(controlPlane);
  await load.start([one, two]);

  const authorities = new Set<string>();
  await load.during(delay(DURATION_MS), async () => {
    const { data } = await admin.get<{ data: Record<string, string> }>(CA_SECRET);
    authorities.add(data['ca.crt'] ?? '');
  });
  t.comment(`${load.requests} pods, ${authorities.size} authorities`);
  t.same(load.failures, []);
  t.ok(authorities.size >= 3, `${authorities.size} authorities`);
  t.ok(load.requests > 100);
  for (const { process } of replicas) t.equal(process.tail(), '', 'nothing to warn of');
});
