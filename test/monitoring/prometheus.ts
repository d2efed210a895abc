// A real Prometheus as a process: it scrapes what it is told to each second, and evaluates our rules.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ruleGroups, type RuleGroupsOptions } from '../../src/monitoring/rule-groups.ts';
import { freePorts } from '../harness/free-ports.ts';
import { prometheusProgram } from '../harness/prometheus-programs.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Workspace } from '../harness/workspace.ts';

/** `labels` are what a PodMonitor would add. */
export type Target = {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
};

export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

type Answer = {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
};

export class Prometheus {
  private readonly url: string;

  private constructor(url: string) {
    this.url = url;
  }

  static async start(
    workspace: Workspace,
    targets: readonly Target[],
    rules: RuleGroupsOptions,
  ): Promise<Prometheus> {
    const static_configs = targets.map(({ address, labels }) => ({ targets: [address], labels }));
    const scraped = [{ job_name: 'redis-orchestrator', static_configs }];
    return await Prometheus.scraping(workspace, scraped, targets.length, rules);
  }

  /** By the configuration of a person; ready once at least so many targets answer. */
  static async scraping(
    workspace: Workspace,
    scrape_configs: readonly object[],
    count: number,
    options: RuleGroupsOptions = {},
  ): Promise<Prometheus> {
    const folder = workspace.folder('prometheus');
    const rules = join(folder, 'rules.yaml');
    writeFileSync(rules, stringify(ruleGroups(options)));
    const config = join(folder, 'prometheus.yaml');
    const global = { scrape_interval: '1s', scrape_timeout: '900ms', evaluation_interval: '1s' };
    writeFileSync(config, stringify({ global, rule_files: [rules], scrape_configs }));
    const [port = 0] = await freePorts(1);
    const process = workspace.start('prometheus', prometheusProgram('prometheus'), [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ]);
    const url = `http://127.0.0.1:${port}`;
    await waitFor('Prometheus is ready', async () => (await fetch(`${url}/-/ready`)).ok, {
      timeoutMs: 30_000,
      picture: () => process.tail(),
    });
    const prometheus = new Prometheus(url);
    const isUp = async (): Promise<boolean> => (await prometheus.query('up == 1')).length >= count;
    const picture = async (): Promise<string> =>
      `${JSON.stringify(await prometheus.query('up'))}\n${process.tail()}`;
    await waitFor('all are scraped', isUp, { timeoutMs: 30_000, picture });
    return prometheus;
  }

  /** An error of the query is an exception. */
  async query(expr: string): Promise<readonly Sample[]> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const { status, error, data } = (await answer.json()) as Answer;
    if (status !== 'success') throw new Error(`${expr}: ${error}`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Names of our alerts that fire now; `orPending`: or are about to. */
  async firing(orPending = false): Promise<ReadonlySet<string>> {
    const answer = await fetch(`${this.url}/api/v1/alerts`);
    const { data } = (await answer.json()) as {
      data: { alerts: { state: string; labels: { alertname: string } }[] };
    };
    const firing = data.alerts.filter(({ state }) => orPending || state === 'firing');
    return new Set(firing.map(({ labels }) => labels.alertname.replace('RedisOrchestrator', '')));
  }
}
