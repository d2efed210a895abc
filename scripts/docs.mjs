// Writes the tables of the documentation from the code that they describe, between the markers
// `<!-- generated: NAME -->` and `<!-- /generated -->`: npx node scripts/docs.mjs. With --check it
// writes nothing and ends with status 1 where a file is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { TIMING_PROFILES } from '../agent/core/lease-clock.ts';
import { AGENT_OPTIONS } from '../agent/options.ts';
import { formatDuration } from '../src/duration.ts';
import { ERROR_REMEDIES } from '../src/errors.ts';
import { markdownTable } from '../src/options.ts';
import { AGENT_RULES } from '../webhook/agent-role.ts';
import { WEBHOOK_OPTIONS } from '../webhook/config.ts';
import { isSilent, REASONS } from '../webhook/core/reasons.ts';

const root = new URL('../', import.meta.url);
const FILES = ['README.md', 'docs/design.md', 'docs/injection.md'];

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

const code = (text) => `\`${text}\``;

/** The comment lines in the table of reasons tell what happens to the pod. */
function reasonTable() {
  const source = readFileSync(new URL('webhook/core/reasons.ts', root), 'utf8');
  const body = source.slice(source.indexOf('REASONS = {'), source.indexOf('} as const'));
  const found = new Map();
  let heading = '';
  for (const line of body.split('\n')) {
    heading = /^ {2}\/\/ (.*)$/.exec(line)?.[1] ?? heading;
    const name = /^ {2}'?([a-z-]+)'?:/.exec(line)?.[1];
    if (name !== undefined) found.set(name, heading);
  }
  return table(
    ['code', 'text', 'told', 'group'],
    Object.entries(REASONS).map(([name, text]) => {
      const group = found.get(name);
      if (group === undefined) throw new Error(`webhook/core/reasons.ts: ${name} was not found`);
      return [code(name), text, isSilent(name) ? 'no' : 'yes', group.replace(/\.$/, '')];
    }),
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

const BLOCKS = {
  'agent-options': () => markdownTable(AGENT_OPTIONS),
  'webhook-options': () => markdownTable(WEBHOOK_OPTIONS),
  'agent-role': ruleTable,
  errors: () =>
    table(
      ['code', 'remedy'],
      Object.entries(ERROR_REMEDIES).map(([name, remedy]) => [code(name), remedy]),
    ),
  reasons: reasonTable,
  timing: timingTable,
};

function regenerate(file, text) {
  const MARKED = /(<!-- generated: ([a-z-]+) -->\n)[^]*?(<!-- \/generated -->)/g;
  return text.replace(MARKED, (_, begin, name, end) => {
    const make = BLOCKS[name];
    if (make === undefined) throw new Error(`${file}: no table is called ${name}`);
    return `${begin}${make()}\n${end}`;
  });
}

const isCheck = process.argv.includes('--check');
for (const file of FILES) {
  const url = new URL(file, root);
  const before = readFileSync(url, 'utf8');
  const after = regenerate(file, before);
  if (after === before) continue;
  if (isCheck) {
    process.stderr.write(`${file} is out of date. Remedy: npx node scripts/docs.mjs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(url, after);
    process.stdout.write(`${file} written\n`);
  }
}
