// The PodMonitors as they are applied, on a real cluster, by what the operator makes of them: a real Prometheus finds each
// agent and each webhook once, and gives their series the labels by which the rules group.

import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY } from '../harness/programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Workspace } from '../harness/workspace.ts';
import { Prometheus } from '../monitoring/prometheus.ts';
import { openCluster, SYSTEM_NAMESPACE } from './cluster.ts';
import { Group } from './group.ts';
import { applyExample, REDIS } from './manifest.ts';
import { createNamespace } from './namespace.ts';
import { type PodMonitor, scrapeConfigsOf } from './pod-monitor.ts';

t.setTimeout(300_000);
const cluster = openCluster();
const SIZE = 2;

const namespace = await createNamespace(t, cluster, 'monitors');
const options = { image: REDIS.image, withoutVolumes: true, replicas: SIZE };
await applyExample(cluster, namespace, REDIS.manifest, options);
const group = new Group(cluster, namespace, REDIS.name);
await group.oneMaster(SIZE);

const text = await cluster.kubectl(['kustomize', join(REPOSITORY, 'manifests', 'monitoring')]);
const monitors = parseAllDocuments(text)
  .map((document) => document.toJS() as PodMonitor)
  .filter(({ kind }) => kind === 'PodMonitor');
const workspace = new Workspace();
t.teardown(async () => await workspace.close());
const configs = monitors.flatMap((each) => scrapeConfigsOf(each, cluster.kubeconfig));
const prometheus = await Prometheus.scraping(workspace, configs, SIZE);

/** Label values of the series of a query, by the names of the labels. */
async function found(expr: string): Promise<readonly string[]> {
  const samples = await prometheus.query(expr);
  const values = samples.map(({ labels }) => {
    const entries = Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return entries.map(([, value]) => value).join('/');
  });
  return values.toSorted();
}

await t.test('each agent is found once, by namespace, group and pod', async (t) => {
  const wanted = (await group.pods()).map(({ name }) => `${namespace}/redis/${name}`).toSorted();
  const all = `redis_orchestrator_build_info{namespace="${namespace}"}`;
  const isWhole = async (): Promise<boolean> => (await prometheus.query(all)).length === SIZE;
  await waitFor('the agents are scraped', isWhole, { timeoutMs: 60_000, everyMs: 500 });
  const labels = (await prometheus.query(all)).map((each) => each.labels);
  t.same(
    labels.map((each) => `${each['namespace']}/${each['group']}/${each['pod']}`).toSorted(),
    wanted,
  );
  for (const each of labels) {
    t.equal(each['container'], 'redis-orchestrator');
    t.notOk(
      Object.keys(each).some((label) => label.startsWith('exported_')),
      'no label of ours is in the way of one of the operator',
    );
  }
  t.same(
    await found(`count by (pod) (up{namespace="${namespace}"})`),
    wanted.map((each) => each.split('/')[2]),
    'and no other port of them',
  );
});

await t.test('each webhook is found, in its namespace alone', async (t) => {
  const namespaces = 'count by (namespace) (redis_orchestrator_webhook_build_info)';
  const isThere = async (): Promise<boolean> => (await found(namespaces)).length > 0;
  await waitFor('the webhook is scraped', isThere, { timeoutMs: 60_000, everyMs: 500 });
  t.same(await found(namespaces), [SYSTEM_NAMESPACE]);
});

await t.test('the rules see the group: none fires, and what they compare is there', async (t) => {
  const of = `{namespace="${namespace}"}`;
  const by = 'by (namespace, group)';
  const own = [`redis/${namespace}`];
  t.same(await found(`sum ${by} (redis_orchestrator_role${of}) > 0`), own);
  t.same(await found(`max ${by} (redis_orchestrator_masters_seen${of}) == 1`), own);
  const firing = await prometheus.query('ALERTS{alertstate="firing"}');
  const ours = firing.filter(({ labels }) => labels['namespace'] === namespace);
  t.same(ours, []);
});
