// How an agent is started: the bundle where it is no older than the sources, else the sources.

import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
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

/** The flags that the image gives to Node: they save memory and cost some speed. */
export function imageFlags(image: 'agent' | 'webhook' = 'agent'): readonly string[] {
  const text = readFileSync(join(REPOSITORY, `Dockerfile.${image}`), 'utf8');
  const entrypoint: unknown = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1] ?? '[]');
  const words = Array.isArray(entrypoint) ? entrypoint.map(String) : [];
  return words.filter((word) => word.startsWith('--'));
}

function choose(): string {
  const bundle = join(REPOSITORY, 'dist', 'agent.mjs');
  const changedMs = (path: string): number => statSync(path).mtimeMs;
  const sources = globSync(['agent/**/*.ts', 'src/**/*.ts'], { cwd: REPOSITORY });
  const newestMs = Math.max(...sources.map((path) => changedMs(join(REPOSITORY, path))));
  if (existsSync(bundle) && changedMs(bundle) >= newestMs) return bundle;
  return join(REPOSITORY, 'agent', 'main.ts');
}
