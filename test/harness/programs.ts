// Finds the programs of a Kubernetes control plane. They are never looked up in PATH: an old
// kubectl or etcd of the distribution would pass for the real thing.

import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

export type Program = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';

let directory: string | undefined;

function findDirectory(): string {
  const given = process.env['RO_PROGRAMS'];
  if (given !== undefined && given !== '') return given;
  const script = join(REPOSITORY, 'scripts', 'cluster');
  return execFileSync(script, ['programs'], { encoding: 'utf8' }).trim();
}

/** Path of a program; a clear error where it is missing. */
export function programPath(name: Program): string {
  directory ??= findDirectory();
  const path = join(directory, name);
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new Error(`${path}: is no program. Remedy: run scripts/cluster programs`);
  }
  return path;
}
