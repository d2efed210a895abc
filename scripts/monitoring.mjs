// Writes manifests/monitoring from monitoring/*.ts: npx node scripts/monitoring.mjs. With --check it writes nothing
// and ends with status 1 where a file is out of date. With --runbooks URL the alerts lead to pages there instead of
// to paths of this repository, with --no-webhook there are neither alerts about the webhook nor its PodMonitor, and
// with --out FOLDER all goes into another folder.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { monitoringFiles } from '../src/monitoring/manifests.ts';

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean' },
    runbooks: { type: 'string' },
    'no-webhook': { type: 'boolean' },
    out: { type: 'string' },
  },
});
const folder = flags.out ?? fileURLToPath(new URL('../manifests/monitoring', import.meta.url));
const options = {
  ...(flags.runbooks === undefined ? {} : { runbooks: flags.runbooks }),
  hasWebhook: flags['no-webhook'] !== true,
};

function known(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(monitoringFiles(options))) {
  const path = join(folder, name);
  if (known(path) === text) continue;
  if (flags.check === true) {
    process.stderr.write(`${name} is out of date. Remedy: npx node scripts/monitoring.mjs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`${path} written\n`);
  }
}
