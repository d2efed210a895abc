// The end-to-end run: one cluster for all test files, ended afterwards, whatever happens.

import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { REPOSITORY } from '../harness/programs.ts';
import {
  bringUp,
  installProduct,
  ownClusterName,
  run,
  say,
  signalChildren,
  takeDown,
  takeDownLeftovers,
} from './lifecycle.ts';
import { summary } from './records.ts';

const USAGE = `npm run test:e2e -- [FILE...]

  npm run test:e2e                              a cluster of its own, all files
  npm run test:e2e -- test/e2e/redis.test.ts    one file
  npm run test:e2e -- test/e2e/install/install.test.ts   the ways to install it
  RO_E2E_CLUSTER=dev npm run test:e2e           on that cluster, which is left alone
  RO_E2E_ROUNDS=10                              more kills and deletions, one file at a time, for the figures
  RO_KUBERNETES=1.28                            the cluster is of that release (scripts/cluster --help)
`;

const given = process.env['RO_E2E_CLUSTER'] ?? '';
const name = given === '' ? ownClusterName() : given;
const folder = mkdtempSync(join(tmpdir(), 'ro-e2e-'));
const records = join(folder, 'records');

/** Two files at a time: most of a test is waiting. Figures are measured with nothing else running. */
const JOBS = process.env['RO_E2E_JOBS'] ?? (process.env['RO_E2E_ROUNDS'] === undefined ? '2' : '1');

let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    isInterrupted = true;
    signalChildren('SIGTERM');
  });
}

/** These install the product themselves, so they come before it and alone. */
const INSTALLS = 'test/e2e/install/';

function filesOf(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: REPOSITORY }).sort();
}

/** A cluster that was given keeps the product that it has, unless this is asked for. */
function allFiles(): readonly string[] {
  const others = filesOf('test/e2e/*.test.ts');
  return given === '' ? [...filesOf(`${INSTALLS}*.test.ts`), ...others] : others;
}

async function testRun(files: readonly string[], jobs: string): Promise<number> {
  if (files.length === 0 || isInterrupted) return 0;
  const env = { RO_E2E_CLUSTER: name, RO_E2E_RECORDS: records };
  const args = ['run', `--jobs=${jobs}`, '--timeout=900', '--reporter=tap', ...files];
  const { code } = await run(join(REPOSITORY, 'node_modules', '.bin', 'tap'), args, { env });
  return code;
}

async function testRuns(): Promise<number> {
  const asked = process.argv.slice(2);
  const files = asked.length > 0 ? asked : allFiles();
  const isInstall = (file: string): boolean => file.includes(INSTALLS);
  const code = await testRun(files.filter(isInstall), '1');
  await installProduct(name);
  const others = files.filter((file) => !isInstall(file));
  return Math.max(code, await testRun(others, JOBS));
}

async function main(): Promise<number> {
  const start = performance.now();
  let code = 1;
  try {
    await takeDownLeftovers();
    await bringUp(name);
    if (!isInterrupted) code = await testRuns();
  } catch (error) {
    say(messageOf(error));
  } finally {
    if (given === '') await takeDown(name).catch((error: unknown) => say(messageOf(error)));
    for (const line of summary(records)) say(line);
    rmSync(folder, { recursive: true, force: true });
    say(`the whole run: ${((performance.now() - start) / 1000).toFixed(0)} s`);
  }
  return isInterrupted ? 1 : code;
}

const [flag] = process.argv.slice(2).filter((word) => word.startsWith('-'));
if (flag === undefined) process.exitCode = await main();
else {
  process.stdout.write(USAGE);
  process.exitCode = flag === '--help' ? 0 : 2;
}
