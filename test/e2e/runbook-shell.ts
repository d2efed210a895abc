// The shell of a person who follows a runbook: kubectl, our program, and the variables that the page has them set.

import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { REPOSITORY } from '../harness/programs.ts';
import type { RunbookCommand } from '../harness/runbook-pages.ts';
import type { Cluster } from './cluster.ts';

const run = promisify(execFile);
/** The program in PATH, as a person has it. */
const PROGRAM = 'redis-orchestrator';
/** Of a command that may wait for a rolling update. */
const TIMEOUT_MS = 300_000;

const REFUSED = /^(\(error\) )?(ERR|NOAUTH|NOPERM|WRONGPASS|MISCONF) /m;

/** A folder for PATH. Nobody is there to be asked, and what is not well is an answer of `status`, too. */
function programFolder(t: Test): string {
  const bundle = `"${process.execPath}" "${join(REPOSITORY, 'dist', `${PROGRAM}.mjs`)}" "$@"`;
  const folder = t.testdir({});
  const text = `#!/bin/sh
case $1 in
  switchover) exec ${bundle} --yes ;;
  status) ${bundle}; code=$?; case $code in 3 | 4) exit 0 ;; *) exit $code ;; esac ;;
  *) exec ${bundle} ;;
esac
`;
  writeFileSync(join(folder, PROGRAM), text);
  chmodSync(join(folder, PROGRAM), 0o755);
  return folder;
}

export type Shell = (command: RunbookCommand) => Promise<void>;

/** Runs a command of a page with these variables; one that confirms is to tell something. */
export function shellOf(
  t: Test,
  cluster: Cluster,
  variables: Readonly<Record<string, string>>,
): Shell {
  const folder = programFolder(t);
  const env = {
    ...cluster.env,
    ...variables,
    FOLDER: join(folder, 'monitoring'),
    PATH: `${folder}:${join(REPOSITORY, 'node_modules', '.bin')}:${cluster.env['PATH']}`,
  };
  return async ({ section, text }) => {
    // The first words of a page tell what is done in the repository; files of the others are the person's.
    const options = { env, cwd: section === '' ? REPOSITORY : folder, timeout: TIMEOUT_MS };
    try {
      const { stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', text], options);
      const told = `${stdout}${stderr}`.trim();
      t.notMatch(told, REFUSED, 'Redis does it: its refusals are no failure of redis-cli');
      if (section === 'How to confirm') t.not(told, '', `it tells something: ${text}`);
      else t.pass(text);
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      t.fail(text, { stdout, stderr });
    }
  };
}
