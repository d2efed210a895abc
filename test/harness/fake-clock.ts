// A wall clock of its own for each agent, by libfaketime: from Debian's package, unpacked into the
// cache and not installed. Boot-time and monotonic clocks stay as they are. Redis, with its
// jemalloc, does not run under it: redis-clock.ts.

import { execFile } from 'node:child_process';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/*/faketime/libfaketime.so.1';

export class FakeClocks {
  private readonly library: string;
  private readonly directory: string;

  private constructor(library: string, directory: string) {
    this.library = library;
    this.directory = directory;
  }

  /** Or, in a sentence, why there are none. */
  static async open(directory: string): Promise<FakeClocks | string> {
    const cache = process.env['RO_CACHE'] ?? join(homedir(), '.cache', 'redis-orchestrator');
    const tree = join(cache, 'faketime');
    const find = (): string | undefined => globSync([INSTALLED, `${tree}${INSTALLED}`])[0];
    try {
      if (find() === undefined) await unpack(tree);
    } catch (error) {
      return `libfaketime was not obtained (${messageOf(error).split('\n')[0]}). Remedy: apt-get install libfaketime`;
    }
    const library = find();
    if (library === undefined) return 'libfaketime has no libfaketime.so.1';
    return new FakeClocks(library, directory);
  }

  private file(pod: string): string {
    return join(this.directory, `clock-${pod}`);
  }

  /** Environment of the agent of a pod; its clock is right until `set`. */
  env(pod: string): Record<string, string> {
    this.set(pod, 0);
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.file(pod),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** The agent's wall clock jumps to so many seconds beside the true time. */
  set(pod: string, seconds: number): void {
    writeFileSync(this.file(pod), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }
}

async function unpack(tree: string): Promise<void> {
  mkdirSync(tree, { recursive: true });
  await run('apt-get', ['download', 'libfaketime'], { cwd: tree });
  const [archive = ''] = globSync('libfaketime_*.deb', { cwd: tree });
  await run('dpkg-deb', ['-x', archive, tree], { cwd: tree });
}
