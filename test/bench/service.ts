// Our crash as clients of a Service see it: on a real cluster, by the bench of the end-to-end tests.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceFigures } from '../e2e/service-times.ts';
import { REPOSITORY } from '../harness/programs.ts';

/** Why this machine cannot run a cluster, or null. */
export function serviceObstacle(): string | null {
  if (process.platform === 'linux' && process.getuid?.() === 0) return null;
  return 'a cluster needs root on Linux: run "npm run bench:service" on such a machine';
}

export async function measureThroughService(rounds: number): Promise<ServiceFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'ro-bench-service-'));
  const file = join(folder, 'service.json');
  try {
    const script = join(REPOSITORY, 'test/e2e/bench-service.ts');
    const args = [script, '--rounds', String(rounds), '--json', file];
    // Its progress is not a figure: standard output has the table alone.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 2, 2] });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`bench:service ended with ${String(code)}: see above`);
    return (JSON.parse(readFileSync(file, 'utf8')) as { service: ServiceFigures }).service;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
