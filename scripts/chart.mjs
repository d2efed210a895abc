// Makes the Helm chart (manifests/chart) from the manifests that are written by hand (manifests/base) and the table of
// its values (scripts/chart/table.ts): npx node scripts/chart.mjs. With --check it writes nothing and ends with
// status 1 where a file is out of date. Written by hand are only the files of the chart that HAND_WRITTEN names.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { baseFiles } from './chart/base.ts';
import { chartFile } from './chart/chart-file.ts';
import { templateOf } from './chart/templates.ts';
import { schemaFile, valuesFile } from './chart/values-files.ts';

const HAND_WRITTEN = [
  'templates/_helpers.tpl',
  'templates/NOTES.txt',
  // Of `helm test`: no part of an installation, so that the base has none of it.
  'templates/tests/check.yaml',
  'templates/tests/rights.yaml',
];
const folder = new URL('../manifests/chart/', import.meta.url);
const { values: flags } = parseArgs({ options: { check: { type: 'boolean' } } });

const files = {
  'Chart.yaml': chartFile(),
  'values.yaml': valuesFile(),
  'values.schema.json': schemaFile(),
  ...Object.fromEntries(baseFiles().map((file) => [`templates/${file}`, templateOf(file)])),
};

function textOf(file) {
  try {
    return readFileSync(new URL(file, folder), 'utf8');
  } catch {
    return undefined;
  }
}

const problems = [];
mkdirSync(new URL('templates/', folder), { recursive: true });
for (const [file, text] of Object.entries(files)) {
  if (textOf(file) === text) continue;
  if (flags.check === true) problems.push(`manifests/chart/${file} is out of date`);
  else {
    writeFileSync(new URL(file, folder), text);
    process.stdout.write(`manifests/chart/${file} written\n`);
  }
}
const known = new Set([...Object.keys(files), ...HAND_WRITTEN]);
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = `${entry.parentPath}/${entry.name}`.slice(folder.pathname.length);
  if (entry.isFile() && !known.has(path.replace(/^\//, ''))) {
    problems.push(`manifests/chart/${path} is made by nobody`);
  }
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\nRemedy: npx node scripts/chart.mjs\n`);
  process.exitCode = 1;
}
