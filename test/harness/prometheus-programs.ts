// Debian's Prometheus and promtool, fetched into the cache where it has them not.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from './programs.ts';

let folder: string | undefined;

export function prometheusProgram(name: 'prometheus' | 'promtool'): string {
  folder ??= execFileSync(join(REPOSITORY, 'scripts', 'images'), ['prometheus'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
    .trim()
    .split(' ')[1];
  return join(folder ?? '', 'bin', name);
}
