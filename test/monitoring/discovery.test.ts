// The scrape configuration of docs/operations.md, word for word: a real Prometheus finds the agents by the API server,
// as native sidecars and as ordinary containers, with the labels that the alerts group by.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { REPOSITORY } from '../harness/programs.ts';
import { emptyGroup, openStage } from '../harness/scenario.ts';
import { Prometheus } from './prometheus.ts';

type Config = { scrape_configs: { kubernetes_sd_configs: object[] }[] };

const stage = await openStage(t);

await t.test('the documented configuration finds the agents', async (t) => {
  const page = readFileSync(join(REPOSITORY, 'docs', 'operations.md'), 'utf8');
  const [, text = ''] = /```yaml\n(scrape_configs:[^]*?)```/.exec(page) ?? [];
  const { scrape_configs } = parse(text) as Config;
  // Outside of the cluster it is told where that is.
  const scraped = scrape_configs.map((config) => ({
    ...config,
    kubernetes_sd_configs: config.kubernetes_sd_configs.map((each) => ({
      ...each,
      kubeconfig_file: stage.controlPlane.adminKubeconfig,
    })),
  }));
  const groups = await Promise.all(
    [true, false].map(async (nativeSidecar) => {
      const group = await emptyGroup(t, stage, { nativeSidecar });
      await group.scaleUp(1);
      return group;
    }),
  );
  const prometheus = await Prometheus.scraping(stage.workspace, scraped, groups.length);
  const found = await prometheus.query(
    'max by (namespace, group, pod) (redis_orchestrator_build_info)',
  );
  const wanted = groups.map(({ account: { namespace } }) => ({
    namespace,
    group: 'redis',
    pod: 'redis-0',
  }));
  const labels = found.map((each) => each.labels);
  t.same(
    labels.toSorted((a, b) => ((a['namespace'] ?? '') < (b['namespace'] ?? '') ? -1 : 1)),
    wanted.toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1)),
  );
});
