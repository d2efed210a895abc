// How an agent is started: the bundle where it is no older than the sources, else the sources.

import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './programs.ts';

let chosen: string | undefined;

/** RO_AGENT_PROGRAM chooses the file (an older version, for tests across versions). */
export function agentProgram(): string {
  const given = process.env['RO_AGENT_PROGRAM'];
  if (given !== undefined && given !== '') return given;
  chosen ??= choose();
  return chosen;
}

function choose(): string {
  const bundle = join(REPOSITORY, 'dist', 'agent.mjs');
  const changedMs = (path: string): number => statSync(path).mtimeMs;
  const sources = globSync(['agent/**/*.ts', 'src/**/*.ts'], { cwd: REPOSITORY });
  const newestMs = Math.max(...sources.map((path) => changedMs(join(REPOSITORY, path))));
  if (existsSync(bundle) && changedMs(bundle) >= newestMs) return bundle;
  return join(REPOSITORY, 'agent', 'main.ts');
}
