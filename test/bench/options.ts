// The flags of the bench. One that cannot be right is refused with its name, value and remedy.

import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { FAULTS } from './system.ts';

const USUAL = [...FAULTS, 'switchover', 'service'] as const;
const SCENARIOS = [...USUAL, 'large', 'budget'] as const;
type Scenario = (typeof SCENARIOS)[number];

export type Options = {
  readonly rounds: number;
  readonly rounds30s: number;
  readonly roundsLarge: number;
  readonly lanes: number;
  readonly writes: number;
  readonly largeMib: number;
  readonly only: ReadonlySet<Scenario>;
  readonly systems: ReadonlySet<string>;
  readonly json: string | undefined;
};

export const HELP = `npm run bench:failover -- [FLAG...]

Ours and Redis Sentinel (down-after-milliseconds 1000 and 30000), with the same redis-server, writer
and faults, each with one master and two replicas, one system after the other.
Run "npm run build" before it, on a machine that does nothing else. "service" is ours alone, through a
Service of a real cluster, which it starts: that needs root on Linux.

  --rounds N         rounds of each scenario (50)
  --rounds-30s N     rounds of Sentinel at 30 s, each of which takes a minute (as --rounds)
  --rounds-large N   rounds of each system with a large dataset (10)
  --lanes N          groups of Sentinel at 30 s side by side: they wait most of the time (5)
  --writes N         acknowledged writes over all switchovers, at least (1000000)
  --only A,B         of: ${SCENARIOS.join(', ')} (${USUAL.join(',')})
  --systems A,B      of: ours, sentinel1s, sentinel30s (all)
  --large            also the crash with a large dataset
  --large-mib N      its size (2048)
  --budget           also where the time of our crash goes, step by step
  --json FILE        writes the figures
  --help
`;

export class FlagError extends Error {
  constructor(fault: string, remedy: string) {
    super(`${fault}. Remedy: ${remedy}`);
    this.name = 'FlagError';
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string' },
        'rounds-30s': { type: 'string' },
        'rounds-large': { type: 'string' },
        lanes: { type: 'string' },
        writes: { type: 'string' },
        only: { type: 'string' },
        systems: { type: 'string' },
        large: { type: 'boolean' },
        'large-mib': { type: 'string' },
        budget: { type: 'boolean' },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new FlagError(messageOf(error).split('. ')[0] ?? '', 'see --help');
  }
}

export function count(
  flag: string,
  text: string | undefined,
  fallback: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new FlagError(`--${flag}: "${text}"`, `a whole number from 1 to ${max}`);
}

export function names<T extends string>(
  flag: string,
  text: string,
  known: readonly T[],
): ReadonlySet<T> {
  const chosen = text.split(',').map((each) => {
    const found = known.find((name) => name === each.trim());
    if (found === undefined)
      throw new FlagError(`--${flag}: "${each}"`, `one of ${known.join(', ')}`);
    return found;
  });
  return new Set(chosen);
}

/** Undefined: help was asked for. */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const rounds = count('rounds', values.rounds, 50, 10_000);
  const only = new Set(names('only', values.only ?? USUAL.join(','), SCENARIOS));
  if (values.large === true) only.add('large');
  if (values.budget === true) only.add('budget');
  if (values.json === '') throw new FlagError('--json: ""', 'the path of a file');
  return {
    rounds,
    rounds30s: count('rounds-30s', values['rounds-30s'], rounds, 10_000),
    roundsLarge: count('rounds-large', values['rounds-large'], Math.min(rounds, 10), 1000),
    lanes: count('lanes', values.lanes, 5, 50),
    writes: count('writes', values.writes, 1_000_000, 100_000_000),
    largeMib: count('large-mib', values['large-mib'], 2048, 65_536),
    only,
    systems: names('systems', values.systems ?? 'ours,sentinel1s,sentinel30s', [
      'ours',
      'sentinel1s',
      'sentinel30s',
    ]),
    json: values.json,
  };
}
