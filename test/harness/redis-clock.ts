// A wall clock of its own for each Redis, by a library of ours (redis-clock.c) that the machine's C
// compiler makes. The monotonic clock stays as it is.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';

const SOURCE = join(import.meta.dirname, 'redis-clock.c');

export class RedisClocks {
  readonly #library: string;
  readonly #directory: string;

  private constructor(library: string, directory: string) {
    this.#library = library;
    this.#directory = directory;
  }

  /** Or, in a sentence, why there are none. */
  static async open(directory: string): Promise<RedisClocks | string> {
    const library = join(directory, 'redis-clock.so');
    if (process.platform !== 'linux') return 'the library is preloaded as on Linux';
    try {
      await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE]);
    } catch (error) {
      return `${messageOf(error).split('\n')[0]}. Remedy: apt-get install gcc libc6-dev`;
    }
    return new RedisClocks(library, directory);
  }

  #file(pod: string): string {
    return join(this.#directory, `redis-clock-${pod}`);
  }

  /** Environment of the Redis of a pod; its clock is right until `set`. */
  env(pod: string): Record<string, string> {
    writeFileSync(this.#file(pod), new Uint8Array(8));
    return { LD_PRELOAD: this.#library, RO_CLOCK_SHIFT: this.#file(pod) };
  }

  /** Its wall clock jumps to so many seconds beside the true time. */
  set(pod: string, seconds: number): void {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigInt64(0, BigInt(seconds), endianness() === 'LE');
    // In place: the process has this very file mapped.
    writeFileSync(this.#file(pod), new Uint8Array(bytes.buffer), { flag: 'r+' });
  }
}
