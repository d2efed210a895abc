// A script of random steps: the same seed gives the same one. After each step it waits until what
// must come has come, so that nothing depends on who is faster.

import { SeededRandom } from '../sim/random.ts';
import type { Bench, BenchOptions, Script } from './bench.ts';

const NAMES = ['A', 'B', 'C'] as const;
const STEPS = 24;
/** More than what a small backlog holds, in two commands. */
const LONG_BYTES = 40_000;
/** An AOF is made anew behind a sync; one more may have to wait for a cron. */
const REWRITE_MS = 1500;

type Name = (typeof NAMES)[number];

class Walk {
  readonly #bench: Bench;
  readonly #random: SeededRandom;
  readonly #options = new Map<Name, BenchOptions>();
  /** Null: a master; limbo: replicates from nobody. */
  readonly #upstream = new Map<Name, Name | 'limbo' | null>();

  constructor(bench: Bench, seed: number) {
    this.#bench = bench;
    this.#random = new SeededRandom(seed);
  }

  async run(): Promise<void> {
    for (const name of NAMES) {
      this.#options.set(name, {
        persistence: this.#random.pick(['none', 'none', 'rdb', 'aof']),
        backlogBytes: this.#random.pick([16_384, 1_048_576]),
      });
      await this.#start(name);
    }
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      await this.#settle();
      for (const name of NAMES) await this.#bench.info(name);
    }
    for (const name of NAMES) await this.#bench.tell(name, { kind: 'keys' });
  }

  async #step(): Promise<void> {
    const bench = this.#bench;
    const name = this.#random.pick(NAMES);
    const kind = this.#random.pick([
      'write',
      'write',
      'write',
      'limbo',
      'promote',
      'follow',
      'follow',
      'restart',
      'nap',
      'long',
    ]);
    bench.note('step', `${kind} ${name}`);
    switch (kind) {
      case 'write':
        await bench.write(name, 1 + this.#random.integer(4));
        return;
      case 'long':
        await bench.write(name, 2, LONG_BYTES);
        return;
      case 'limbo':
        await bench.limbo(name);
        this.#upstream.set(name, 'limbo');
        return;
      case 'promote':
        await bench.promote(name);
        this.#upstream.set(name, null);
        return;
      case 'follow':
        await this.#follow(name);
        return;
      case 'restart':
        await this.#restart(name);
        return;
      case 'nap':
        await this.#nap(name);
        return;
      default:
        throw new Error(`what is ${kind}?`);
    }
  }

  async #follow(name: Name): Promise<void> {
    const others = NAMES.filter((other) => other !== name && !this.#chain(other).includes(name));
    if (others.length === 0) return;
    const master = this.#random.pick(others);
    await this.#bench.replicate(name, master);
    this.#upstream.set(name, master);
  }

  async #restart(name: Name): Promise<void> {
    if (this.#options.get(name)?.persistence === 'aof') await this.#bench.pass(REWRITE_MS);
    if (this.#random.chance(0.5)) await this.#bench.driver.kill(name);
    else await this.#bench.stop(name);
    await this.#start(name);
  }

  /** It stands still while somebody else is written to. */
  async #nap(name: Name): Promise<void> {
    const other = this.#random.pick(NAMES.filter((each) => each !== name));
    await this.#bench.driver.freeze(name);
    await this.#bench.write(other, 2);
    await this.#bench.pass(50);
    await this.#bench.driver.thaw(name);
  }

  async #start(name: Name): Promise<void> {
    const bootFence = this.#random.chance(0.7);
    await this.#bench.start(name, { ...this.#options.get(name), bootFence });
    this.#upstream.set(name, bootFence ? 'limbo' : null);
  }

  /** It and those above it, up to a master or limbo. */
  #chain(name: Name): readonly (Name | 'limbo')[] {
    const above = this.#upstream.get(name) ?? null;
    if (above === null) return [name];
    return above === 'limbo' ? [name, 'limbo'] : [name, ...this.#chain(above)];
  }

  async #settle(): Promise<void> {
    // From the top down: who hangs on a master must have what that one has.
    const chains = NAMES.map((name) => this.#chain(name)).sort((a, b) => a.length - b.length);
    await this.#bench.pass(50);
    for (const [name, above] of chains) {
      if (name === undefined || above === undefined || name === 'limbo' || above === 'limbo')
        continue;
      if (this.#chain(name).includes('limbo')) continue;
      await this.#bench.caughtUp(name, above);
    }
    await this.#bench.pass(50);
  }
}

export function randomScript(seed: number): Script {
  return {
    name: `random steps, seed ${seed}`,
    run: async (bench) => await new Walk(bench, seed).run(),
  };
}
