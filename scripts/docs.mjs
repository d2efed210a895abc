// Writes the tables of the documentation from the code that they describe, between the markers
// `<!-- generated: NAME -->` and `<!-- /generated -->`: npx node scripts/docs.mjs. With --check it
// writes nothing and ends with status 1 where a file is out of date. With --record FILE it first takes
// what a run of the scenarios measured (RO_RECORD=FILE npm run test:chaos) into test/chaos/results.json,
// and of the versions and settings (RO_REDIS_VERSIONS=all) into test/chaos/matrix.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NOTICES } from '../agent/core/notice-table.ts';
import { TIMING_PROFILES } from '../agent/core/lease-clock.ts';
import { AGENT_OPTIONS } from '../agent/options.ts';
import { SHORT } from '../cli/arguments.ts';
import { COMMANDS } from '../cli/help.ts';
import { INJECTION } from '../cli/option-parts.ts';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../agent/metrics/table.ts';
import { alertRules } from '../src/monitoring/rule-groups.ts';
import { alertName, RULE_NAMES, RULES } from '../src/monitoring/rules.ts';
import { formatDuration } from '../src/duration.ts';
import { ERROR_REMEDIES } from '../src/errors.ts';
import { pascalCase } from '../src/kube-event.ts';
import { policyAnnotation } from '../src/names.ts';
import { markdownTable, valuesOf } from '../src/options.ts';
import { POLICY_OPTIONS } from '../src/policy.ts';
import { AGENT_RULES } from '../webhook/agent-role.ts';
import { picture } from '../test/architecture.ts';
import { declaredScenarios, scenarioRows } from '../test/declared.ts';
import { ALL_CELLS, cellName, MATRIX_HEAD, matrixRow } from '../test/matrix.ts';
import { WEBHOOK_OPTIONS } from '../webhook/config.ts';
import { OUTCOMES, REASONS } from '../webhook/core/reason-table.ts';
import { WebhookMetrics } from '../webhook/metrics.ts';
import { valueRows } from './chart/values-files.ts';

const root = new URL('../', import.meta.url);
const FILES = [
  'README.md',
  'docs/architecture.md',
  'docs/design.md',
  'docs/helm.md',
  'docs/injection.md',
  'docs/operations.md',
  'docs/reasons.md',
  'docs/scenarios.md',
  ...RULE_NAMES.map((name) => `docs/runbooks/${name}.md`),
];
const RESULTS = new URL('test/chaos/results.json', root);
const MATRIX = new URL('test/chaos/matrix.json', root);
const { values: flags } = parseArgs({
  options: { check: { type: 'boolean' }, record: { type: 'string' } },
});

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

const code = (text) => `\`${text}\``;

function reasonTable() {
  return table(
    ['code', 'text', 'told', 'the pod is'],
    Object.entries(REASONS).map(([name, { text, outcome }]) => [
      `[${code(name)}](reasons.md#${name})`,
      text,
      outcome === 'silent' ? 'no' : 'yes',
      OUTCOMES[outcome],
    ]),
  );
}

function commandTable() {
  return table(
    ['command', 'what it does'],
    Object.entries(COMMANDS).map(([name, { usage, summary }]) => [
      code(`${name} ${usage}`.replaceAll('|', '\\|')),
      summary,
    ]),
  );
}

/** Of the commands that look into a cluster; what they share with inject is the webhook's. */
function commandFlagTable() {
  const rows = new Map();
  const webhooks = new Set(Object.values(INJECTION).map(({ flag }) => flag));
  const live = Object.entries(COMMANDS).filter(
    ([name, { usage }]) => usage !== '-f FILE' && name !== 'completion',
  );
  for (const [name, { options }] of live) {
    for (const spec of Object.values(options)) {
      if (webhooks.has(spec.flag)) continue;
      // Not every command writes YAML.
      const key = `${spec.flag} ${spec.choices}`;
      const row = rows.get(key) ?? { ...spec, commands: [] };
      row.commands.push(name);
      rows.set(key, row);
    }
  }
  const shortOf = (flag) =>
    Object.entries(SHORT)
      .filter(([, long]) => long === `--${flag}`)
      .map(([short]) => `${code(short)}, `)
      .join('');
  return table(
    ['flag', 'of', 'default', 'meaning'],
    [...rows.values()].map(({ flag, commands, fallback, text, choices }) => [
      `${shortOf(flag)}${code(`--${flag}`)}`,
      commands.length === live.length ? 'all of them' : commands.join(', '),
      fallback === undefined || fallback === '' ? '–' : code(fallback),
      `${text.replace(/; short: -\w$/, '')}${choices ? ` (${choices.join(', ')})` : ''}`,
    ]),
  );
}

/** What stands under the heading of each code, before its paragraphs. */
function reasonBlock(name) {
  const { text, outcome, remedy } = REASONS[name];
  const event = /^(silent|offline|uninject)$/.test(outcome)
    ? ''
    : ` · Event ${code(pascalCase(name))}`;
  return `> ${text}\n\nThe pod is ${OUTCOMES[outcome]}${event}. In short: ${remedy}.`.replace(
    'The pod is told',
    'Told',
  );
}

function ruleTable() {
  return table(
    ['API group', 'resource', 'verbs'],
    AGENT_RULES.map(({ apiGroups, resources, verbs }) => [
      apiGroups.map((group) => (group === '' ? 'core' : code(group))).join(', '),
      resources.map(code).join(', '),
      verbs.join(', '),
    ]),
  );
}

function metricTable() {
  const kinds = { gauge: GAUGES, counter: COUNTERS, histogram: HISTOGRAMS };
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    Object.entries(kinds).flatMap(([kind, metrics]) =>
      Object.entries(metrics).map(([name, { help, labels = {} }]) => [
        code(name),
        kind,
        Object.entries(labels)
          .map(([label, values]) => `${code(label)}: ${values.join(', ')}`)
          .join('; '),
        help,
      ]),
    ),
  );
}

function webhookMetricTable() {
  const PREFIX = 'redis_orchestrator_webhook_';
  const metrics = new WebhookMetrics().registry.getMetricsAsArray();
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    metrics.map(({ name, type, help, labelNames }) => [
      code(name.slice(PREFIX.length)),
      type,
      labelNames.map(code).join(', '),
      help,
    ]),
  );
}

function timingTable() {
  return table(
    ['profile', 'renewal', 'request timeout', 'validity H', 'fence time F', 'wait L'],
    Object.entries(TIMING_PROFILES).map(([name, timing]) => [
      code(name),
      ...['renewMs', 'requestTimeoutMs', 'validityMs', 'fenceMs', 'waitMs'].map((key) =>
        formatDuration(timing[key]),
      ),
    ]),
  );
}

/** Of each declared test, or each cell of the matrix, what was measured last. */
function recordedIn(url) {
  return JSON.parse(readFileSync(url, 'utf8'));
}

/** What was measured now, else what was known; of what exists no more, nothing. */
function writeResults(url, names, fresh) {
  const known = recordedIn(url);
  const kept = names.flatMap((name) => {
    const result = fresh[name] ?? known[name];
    return result === undefined ? [] : [[name, result]];
  });
  writeFileSync(url, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}

function takeResults(file) {
  const tests = {};
  const cells = {};
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const { file: test, test: sentence, cell, ...result } = JSON.parse(line);
    if (cell === undefined) tests[`${test}: ${sentence}`] = result;
    else cells[cellName(cell)] = cell;
  }
  const names = declaredScenarios().map(({ file: test, sentence }) => `${test}: ${sentence}`);
  writeResults(RESULTS, names.sort(), tests);
  writeResults(MATRIX, ALL_CELLS.map(cellName), cells);
}

/** The server stands in the first line of its version. */
function versionTable() {
  const results = recordedIn(MATRIX);
  const rows = ALL_CELLS.flatMap((cell) => {
    const result = results[cellName(cell)];
    return result === undefined ? [] : [matrixRow(result)];
  });
  return table(
    MATRIX_HEAD,
    rows.map(([server, ...cells], index) =>
      server === rows[index - 1]?.[0] ? ['', ...cells] : [server, ...cells],
    ),
  );
}

/** One line per test; the number and the fault stand in the first one of a row. */
function scenarioTable() {
  const results = recordedIn(RESULTS);
  return table(
    ['#', 'fault', 'shown by', 'what it asserts, or what is missing', 'recovery', 'lost'],
    scenarioRows().flatMap(({ row, fault, tests, elsewhere, missing }) => {
      const own = tests.map(({ file, sentence }) => {
        const { recoveryMs, lost, acknowledged } = results[`${file}: ${sentence}`] ?? {};
        return [
          code(file),
          sentence,
          recoveryMs === undefined ? '–' : `${recoveryMs} ms`,
          lost === undefined ? '–' : `${lost} of ${acknowledged}`,
        ];
      });
      const others = elsewhere.map(({ file, what }) => [code(file), what, '–', '–']);
      const lack = missing === undefined ? [] : [['–', missing, '–', '–']];
      return [...own, ...others, ...lack].map((cells, index) =>
        index === 0 ? [row, fault, ...cells] : ['', '', ...cells],
      );
    }),
  );
}

const heldFor = (rule) => (rule.for === undefined ? 'at once' : `after ${rule.for}`);

function alertTable() {
  const rules = alertRules();
  return table(
    ['alert', 'severity', 'fires', 'what it says'],
    RULE_NAMES.map((name, index) => [
      `[${code(name)}](runbooks/${name}.md)`,
      RULES[name].severity,
      heldFor(rules[index]),
      RULES[name].description,
    ]),
  );
}

/** What stands under the heading of a runbook. */
function alertBlock(name) {
  const rule = alertRules().find(({ alert }) => alert === alertName(name));
  const { severity, summary, description } = { ...RULES[name], ...rule.labels };
  const said = summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label) => label.toUpperCase());
  return `> ${said}\n\n${description} Alert ${code(rule.alert)}, ${severity}, fires ${heldFor(rule)}.`;
}

/** At the end of a runbook: who is woken by it needs it last. */
function expressionBlock(name) {
  const rule = alertRules().find(({ alert }) => alert === alertName(name));
  return `The expression:\n\n\`\`\`\n${rule.expr}\n\`\`\``;
}

const BLOCKS = {
  architecture: () => `\`\`\`mermaid\n${picture()}\n\`\`\``,
  alerts: alertTable,
  ...Object.fromEntries(RULE_NAMES.map((name) => [`alert-${name}`, () => alertBlock(name)])),
  ...Object.fromEntries(
    RULE_NAMES.map((name) => [`expression-${name}`, () => expressionBlock(name)]),
  ),
  'agent-options': () => markdownTable(AGENT_OPTIONS),
  'webhook-options': () => markdownTable(WEBHOOK_OPTIONS),
  'agent-role': ruleTable,
  'chart-values': () => table(['value', 'default', 'meaning'], valueRows()),
  errors: () =>
    table(
      ['code', 'remedy'],
      Object.entries(ERROR_REMEDIES).map(([name, remedy]) => [code(name), remedy]),
    ),
  commands: commandTable,
  'command-flags': commandFlagTable,
  events: () =>
    table(
      ['Event', 'type', 'about', 'what happened'],
      Object.entries(NOTICES).map(([name, { type, about, text }]) => [
        name === 'Problem' ? '(a code)' : code(name),
        type,
        about === 'group' ? 'the StatefulSet' : 'the pod',
        text,
      ]),
    ),
  metrics: metricTable,
  'policy-annotations': () =>
    table(
      ['annotation of the pod', 'values', 'default', 'meaning'],
      Object.values(POLICY_OPTIONS).map((spec) => [
        code(policyAnnotation(spec.flag)),
        valuesOf(spec),
        spec.fallback === undefined ? '–' : code(spec.fallback),
        spec.text,
      ]),
    ),
  reasons: reasonTable,
  // One block for each code: a code without a place on a page is a fault, and so is a place without a code.
  ...Object.fromEntries(
    Object.keys(REASONS).map((name) => [`reason-${name}`, () => reasonBlock(name)]),
  ),
  'webhook-metrics': webhookMetricTable,
  scenarios: scenarioTable,
  timing: timingTable,
  versions: versionTable,
};

const used = new Set();

function regenerate(file, text) {
  const MARKED = /(<!-- generated: ([a-zA-Z-]+) -->\n)[^]*?(<!-- \/generated -->)/g;
  return text.replace(MARKED, (_, begin, name, end) => {
    const make = BLOCKS[name];
    if (make === undefined) throw new Error(`${file}: no table is called ${name}`);
    used.add(name);
    return `${begin}${make()}\n${end}`;
  });
}

if (flags.record !== undefined) takeResults(flags.record);
const problems = [];
for (const file of FILES) {
  const url = new URL(file, root);
  const before = readFileSync(url, 'utf8');
  const after = regenerate(file, before);
  const [begins, ends] = [/<!-- generated: /g, /<!-- \/generated -->/g].map(
    (mark) => before.match(mark) ?? [],
  );
  if (begins.length !== ends.length) problems.push(`${file}: a mark of a table has no other end`);
  if (after === before) continue;
  if (flags.check === true) {
    problems.push(`${file} is out of date. Remedy: npx node scripts/docs.mjs`);
  } else {
    writeFileSync(url, after);
    process.stdout.write(`${file} written\n`);
  }
}
for (const name of Object.keys(BLOCKS)) {
  if (!used.has(name)) problems.push(`the table ${name} stands on no page`);
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exitCode = 1;
}
