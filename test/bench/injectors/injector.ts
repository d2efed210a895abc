// What all injectors of the bench have in common: a process that answers reviews, with the same certificate.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../../harness/control-plane.ts';
import type { TlsFiles } from '../../harness/certificates.ts';
import { REPOSITORY } from '../../harness/programs.ts';
import type { ManagedProcess, Workspace } from '../../harness/workspace.ts';

export type Stage = {
  readonly workspace: Workspace;
  readonly controlPlane: ControlPlane;
  /** Of 127.0.0.1; written anew while the bench runs. */
  readonly tls: TlsFiles;
};

export type Injector = {
  readonly version: string;
  readonly url: string;
  readonly process: ManagedProcess;
};

export type OpenInjector = (stage: Stage) => Promise<Injector>;

/** The folder of one in the cache; the first time it is built or installed, which takes minutes. */
export function obtain(name: string): { readonly folder: string; readonly version: string } {
  const script = join(REPOSITORY, 'test', 'bench', 'injectors', 'obtain.sh');
  const folder = execFileSync(script, [name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
  return { folder, version: readFileSync(join(folder, 'version'), 'utf8').trim() };
}
