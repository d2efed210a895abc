// A Secret as a kubelet mounts it: the files are links through one directory link, which is swapped at once.

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class MountedSecret {
  readonly directory: string;
  private version = 0;

  constructor(directory: string, files: Readonly<Record<string, string>>) {
    this.directory = directory;
    this.update(files);
    for (const name of Object.keys(files)) symlinkSync(join('..data', name), this.path(name));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** As the kubelet's atomic writer: a new directory, then the link. */
  update(files: Readonly<Record<string, string>>): void {
    const fresh = `..${++this.version}`;
    mkdirSync(this.path(fresh), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(this.path(join(fresh, name)), text, { mode: 0o600 });
    }
    symlinkSync(fresh, this.path('..data_tmp'));
    renameSync(this.path('..data_tmp'), this.path('..data'));
  }
}
