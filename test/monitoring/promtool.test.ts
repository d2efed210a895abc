// The rules by promtool: they are valid, and each fires in its case, stays silent in the one that looks like it, and
// leaves all others silent.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { alertRules, ruleGroups } from '../../src/monitoring/rule-groups.ts';
import { alertName, RULE_NAMES, type RuleName } from '../../src/monitoring/rules.ts';
import { prometheusProgram } from '../harness/prometheus-programs.ts';
import { REPOSITORY } from '../harness/programs.ts';
import { CASES, MORE, QUIET } from './cases.ts';
import { GROUP, healthy, INTERVAL_SECONDS, type Series } from './healthy.ts';

const promtool = prometheusProgram('promtool');
const folder = mkdtempSync(join(tmpdir(), 'redis-orchestrator-rules-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const rulesFile = join(folder, 'rules.yaml');
writeFileSync(rulesFile, stringify(ruleGroups()));

const known = new Map(alertRules().map((rule) => [rule.alert, rule]));

/** What an alert with these labels says. */
function expected(name: RuleName, labels: Readonly<Record<string, string>>) {
  const rule = known.get(alertName(name));
  if (rule === undefined) throw new Error(name);
  const filled = Object.entries(rule.annotations).map(([key, text]) => [
    key,
    text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? ''),
  ]);
  return {
    exp_labels: { ...rule.labels, ...labels },
    exp_annotations: Object.fromEntries(filled) as Record<string, string>,
  };
}

type Firing = { readonly name: RuleName; readonly labels: Readonly<Record<string, string>> };

/** At `at` these fire, and no others. */
function look(at: string, firing: readonly Firing[], except?: RuleName) {
  return RULE_NAMES.filter((name) => name !== except).map((name) => ({
    eval_time: at,
    alertname: alertName(name),
    exp_alerts: firing
      .filter((each) => each.name === name)
      .map(({ labels }) => expected(name, labels)),
  }));
}

/** Of rules that are about hours it is enough, and four times as fast. */
const MINUTE_SECONDS = 60;

function stepOf(untilSeconds: number): number {
  return untilSeconds > 3600 ? MINUTE_SECONDS : INTERVAL_SECONDS;
}

function secondsOf(time: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
  const parts = [...time.matchAll(/(\d+)([hms])/g)];
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0);
}

type Looked = { readonly eval_time: string };

function holds(series: Series, looks: readonly Looked[]): { ok: boolean; output: string } {
  const file = join(folder, 'test.yaml');
  const step = stepOf(Math.max(...looks.map((each) => secondsOf(each.eval_time))));
  const input = Object.entries({ ...healthy(), ...series });
  const test = {
    rule_files: [rulesFile],
    evaluation_interval: `${step}s`,
    tests: [
      {
        interval: `${INTERVAL_SECONDS}s`,
        input_series: input.map(([name, values]) => ({ series: name, values })),
        alert_rule_test: looks,
      },
    ],
  };
  writeFileSync(file, stringify(test));
  const { status, stdout, stderr } = spawnSync(promtool, ['test', 'rules', file], {
    encoding: 'utf8',
  });
  return { ok: status === 0, output: `${stdout}${stderr}`.slice(0, 2000) };
}

await t.test('promtool check rules: the rule file, and what is shipped', (t) => {
  for (const file of [rulesFile, join(REPOSITORY, 'manifests/monitoring/rules.yaml')]) {
    const said = execFileSync(promtool, ['check', 'rules', file], { encoding: 'utf8' });
    t.match(said, `SUCCESS: ${RULE_NAMES.length} rules found`);
  }
  t.end();
});

await t.test('a healthy group: no alert for six hours', (t) => {
  const { ok, output } = holds(
    {},
    ['1m', '30m', '6h'].flatMap((at) => look(at, [])),
  );
  t.ok(ok, output);
  t.end();
});

for (const name of RULE_NAMES) {
  const { fires, silent } = CASES[name];
  await t.test(`${name} fires, and no other`, (t) => {
    const { ok, output } = holds(
      fires.series,
      look(fires.at, [{ name, labels: fires.labels ?? GROUP }]),
    );
    t.ok(ok, output);
    t.end();
  });
  await t.test(`${name} is silent: ${silent.why}`, (t) => {
    const step = stepOf(silent.untilSeconds);
    const times = Math.floor(silent.untilSeconds / step);
    const looks = Array.from({ length: times }, (_, index) =>
      look(`${(index + 1) * step}s`, [], silent.instead),
    );
    const last =
      silent.instead === undefined
        ? []
        : look(`${silent.untilSeconds}s`, [{ name: silent.instead, labels: GROUP }]);
    const { ok, output } = holds(silent.series, [...looks.flat(), ...last]);
    t.ok(ok, output);
    t.end();
  });
}

for (const { name, what, fires } of MORE) {
  await t.test(`${name} fires, and no other: ${what}`, (t) => {
    const { ok, output } = holds(
      fires.series,
      look(fires.at, [{ name, labels: fires.labels ?? GROUP }]),
    );
    t.ok(ok, output);
    t.end();
  });
}

for (const { what, series, at } of QUIET) {
  await t.test(`no alert: ${what}`, (t) => {
    const { ok, output } = holds(
      series,
      at.flatMap((time) => look(time, [])),
    );
    t.ok(ok, output);
    t.end();
  });
}
