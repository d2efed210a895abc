// How a program of ours is started: the bundle where it is no older than the sources, else the sources.

import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './programs.ts';

let chosen: string | undefined;

/** RO_AGENT_PROGRAM chooses the file (an older version, for tests across versions). */
export function agentProgram(): string {
  const given = process.env['RO_AGENT_PROGRAM'];
  if (given !== undefined && given !== '') return given;
  chosen ??= programOf('agent') ?? join(REPOSITORY, 'agent', 'main.ts');
  return chosen;
}

/** The flags that the image gives to Node: they save memory and cost some speed. */
export function imageFlags(image: 'agent' | 'webhook' = 'agent'): readonly string[] {
  const text = readFileSync(join(REPOSITORY, `Dockerfile.${image}`), 'utf8');
  const entrypoint: unknown = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1] ?? '[]');
  const words = Array.isArray(entrypoint) ? entrypoint.map(String) : [];
  return words.filter((word) => word.startsWith('--'));
}

/** The variables that the image of the agent sets. */
export function imageEnv(): Readonly<Record<string, string>> {
  const lines = readFileSync(join(REPOSITORY, 'Dockerfile.agent'), 'utf8').matchAll(
    /^ENV (\w+)=(\S+)$/gm,
  );
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** The webhook, with what Node gets in the image: that is for the bundle, the sources need more to be loaded. */
export function webhookProgram(): readonly string[] {
  const bundle = programOf('webhook');
  if (bundle === undefined) return [join(REPOSITORY, 'webhook', 'main.ts')];
  return [...imageFlags('webhook'), bundle];
}

/** The bundle, where it is no older than the sources. */
function programOf(name: 'agent' | 'webhook'): string | undefined {
  const bundle = join(REPOSITORY, 'dist', `${name}.mjs`);
  const changedMs = (path: string): number => statSync(path).mtimeMs;
  const sources = globSync([`${name}/**/*.ts`, 'src/**/*.ts'], { cwd: REPOSITORY });
  const newestMs = Math.max(...sources.map((path) => changedMs(join(REPOSITORY, path))));
  return existsSync(bundle) && changedMs(bundle) >= newestMs ? bundle : undefined;
}
