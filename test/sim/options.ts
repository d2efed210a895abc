// The command line of the simulator, in one table.

import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { helpText, type OptionTable, type OptionValues, parseOptions } from '../../src/options.ts';

const SEEDS = 2 ** 31;

const TABLE = {
  schedules: {
    flag: 'schedules',
    env: 'RO_SIM_SCHEDULES',
    kind: 'integer',
    fallback: '10000',
    min: 1,
    max: 100_000_000,
    text: 'how many schedules are run; a nightly run takes more',
  },
  seed: {
    flag: 'seed',
    env: 'RO_SIM_SEED',
    kind: 'integer',
    min: 0,
    max: SEEDS - 1,
    text: 'seed of the first schedule, the others count on from it; by default a new one',
  },
  json: {
    flag: 'json',
    env: 'RO_SIM_JSON',
    kind: 'string',
    text: 'file for the result: schedules, violations and what was measured',
  },
  replay: {
    flag: 'replay',
    env: 'RO_SIM_REPLAY',
    kind: 'integer',
    min: 0,
    max: SEEDS * 2,
    text: 'run this one seed, print its trace, and shrink it if it violates an invariant',
  },
  workers: {
    flag: 'workers',
    env: 'RO_SIM_WORKERS',
    kind: 'integer',
    min: 1,
    max: 64,
    text: 'processes side by side; by default one per core',
  },
  coverage: {
    flag: 'coverage',
    env: 'RO_SIM_COVERAGE',
    kind: 'boolean',
    fallback: 'false',
    text: 'also report which rows of the state machine no schedule reached',
  },
} as const satisfies OptionTable;

export type SimOptions = Omit<OptionValues<typeof TABLE>, 'seed' | 'workers'> & {
  readonly seed: number;
  readonly workers: number;
};

/** The options, or what to print and the exit code to end with. */
export function readOptions(
  args: readonly string[],
): SimOptions | { readonly text: string; readonly code: number } {
  if (args.includes('--help') || args.includes('-h')) {
    const about = 'npm run sim -- [flags]: the real agents in a simulated cluster, under faults';
    return { text: `${about}\n\n${helpText(TABLE)}\n`, code: 0 };
  }
  const parsed = parseOptions(TABLE, args, process.env);
  if (!parsed.ok) return { text: `${parsed.errors.join('\n')}\n`, code: 2 };
  const { values } = parsed;
  return {
    ...values,
    seed: values.seed ?? randomInt(SEEDS),
    workers: values.workers ?? availableParallelism(),
  };
}
