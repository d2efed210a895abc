// Alerts, manifests, pages and metrics are about the same things: each has its table, and none knows more than another.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { parse } from 'yaml';
import { systemClock } from '../../agent/clock.ts';
import { Metrics } from '../../agent/metrics/registry.ts';
import { monitoringFiles } from '../../src/monitoring/manifests.ts';
import { ROWS } from '../../src/monitoring/panels.ts';
import { alertRules, metricsIn } from '../../src/monitoring/rule-groups.ts';
import { RULE_NAMES } from '../../src/monitoring/rules.ts';
import { timeBy } from '../../src/monitoring/time.ts';
import { WebhookMetrics } from '../../webhook/metrics.ts';
import { Rig, viewOf } from './core-rig.ts';
import { commandsOf, runbookPage } from '../harness/runbook-pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

async function agentText(): Promise<string> {
  const { state } = Rig.leading();
  return await new Metrics('redis', systemClock, () => true).text(state, viewOf(state));
}

await t.test('generating the manifests again changes nothing', async (t) => {
  const run = promisify(execFile);
  await t.resolves(run(process.execPath, [`${root}scripts/monitoring.mjs`, '--check']));
});

await t.test('every metric of the alerts and the dashboard exists', async (t) => {
  const agent = await agentText();
  const webhook = await new WebhookMetrics().registry.metrics();
  const known = new Set(
    [...`${agent}\n${webhook}`.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name),
  );
  const queries = Object.values(ROWS).flatMap((panels) => panels.flatMap((each) => each.queries));
  const exprs = [...alertRules(), ...queries].map(({ expr }) => expr);
  for (const name of new Set(exprs.flatMap(metricsIn))) t.ok(known.has(name), name);
});

await t.test('every metric of an agent is shown by an alert or the dashboard', async (t) => {
  const text = await agentText();
  const queries = Object.values(ROWS).flatMap((panels) => panels.flatMap((each) => each.queries));
  const shown = new Set([...alertRules(), ...queries].flatMap(({ expr }) => metricsIn(expr)));
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  t.same(
    names.filter((name) => !shown.has(name)),
    [],
  );
});

await t.test('every alert has a page, and every page an alert', (t) => {
  const pages = readdirSync(`${root}docs/runbooks`).map((file) => file.replace('.md', ''));
  t.same(pages.toSorted(), RULE_NAMES.toSorted());
  for (const { annotations } of alertRules()) {
    const path = annotations.runbook_url;
    t.ok(existsSync(`${root}${path}`), path);
    const headings = [...read(path).matchAll(/^## (.*)$/gm)].map(([, text]) => text);
    t.same(headings, ['What it means', 'How to confirm', 'What to do'], path);
  }
  t.end();
});

await t.test('every page begins with who suffers and what to do first', (t) => {
  for (const name of RULE_NAMES) {
    const [begin = ''] = runbookPage(name).split('## What it means');
    t.match(begin, /\*\*Clients\*\* .*\*\*First\*\* /s, name);
  }
  t.end();
});

await t.test('a command that destroys stands after a warning', (t) => {
  const destroys =
    /kubectl (delete|drain|rollout restart)|io\/(force|record)=|inject-|config set stop/;
  for (const name of RULE_NAMES) {
    for (const { text, before } of commandsOf(runbookPage(name))) {
      if (destroys.test(text)) t.match(before, /\*\*[^*]+\*\*/, `${name}: ${text}`);
    }
  }
  t.end();
});

await t.test('commands of the pages are run by a test, or the page says by hand where', (t) => {
  for (const name of RULE_NAMES) {
    const page = runbookPage(name);
    const commands = commandsOf(page);
    t.ok(commands.length > 0, name);
    for (const { text, isByHand, before } of commands) {
      t.equal(/by hand, on /.test(before), isByHand, `${name}: ${text}`);
      t.notMatch(
        text,
        /(?<![$A-Z_{])(POD|NAME|NODE|OTHER|MASTER)\b/,
        'words to replace are variables',
      );
    }
    const blocks = page.split('\n').filter((line) => line.trim().startsWith('```sh'));
    const found = commands.filter(({ text }) => page.includes('`' + text + '`'));
    t.equal(commands.length, blocks.length + found.length, 'each block is found');
  }
  t.end();
});

await t.test('without a webhook there are no alerts and no PodMonitor about it', (t) => {
  const files = monitoringFiles({ hasWebhook: false });
  for (const name of ['rules.yaml', 'prometheus-rule.yaml', 'pod-monitors.yaml']) {
    t.match(files[name], /redis-orchestrator/, name);
    t.notMatch(files[name], /webhook/, name);
  }
  t.equal(alertRules({ hasWebhook: false }).length, RULE_NAMES.length - 2);
  t.end();
});

await t.test('the PrometheusRule and the rule file have the same rules', (t) => {
  const rule: unknown = parse(read('manifests/monitoring/prometheus-rule.yaml'));
  const file: unknown = parse(read('manifests/monitoring/rules.yaml'));
  t.match(rule, { kind: 'PrometheusRule', spec: file as object });
  t.end();
});

await t.test('durations as Prometheus writes them, and shorter ones', (t) => {
  const { span, seconds } = timeBy(1);
  t.same([0, 15_000, 300_000, 21_600_000].map(span), ['0s', '15s', '5m', '6h']);
  t.equal(seconds(30), 30);
  const short = timeBy(120);
  t.same([15_000, 300_000, 21_600_000].map(short.span), ['125ms', '2500ms', '3m']);
  t.equal(short.seconds(30), 0.25);
  t.end();
});
