// Exits with 0 when node_modules of the given repository holds what its package-lock.json says.
// Packages for other processors and systems are optional there and absent here.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const repository = process.argv[2] ?? '.';

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(repository, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');

const isInstalled = ([path, { version, optional }]) =>
  path === '' ||
  (installed[path]?.version === version && existsSync(join(repository, path))) ||
  (optional === true && installed[path] === undefined);

process.exitCode =
  wanted !== undefined && installed !== undefined && Object.entries(wanted).every(isInstalled)
    ? 0
    : 1;
