// The flags of the bench of people.

import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { count, FlagError, names } from './options.ts';

const PARTS = ['switchover', 'scrapes', 'pages'] as const;
type Part = (typeof PARTS)[number];

export type PeopleOptions = {
  readonly only: ReadonlySet<Part>;
  readonly switchovers: number;
  readonly writes: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly json: string | undefined;
};

export const PEOPLE_HELP = `npm run bench:people -- [FLAG...]

What people do to a group of three, and what it costs: real agents, the built bundles with the flags of
Dockerfile.agent, real Redis and a real API server. It needs root on Linux.
- switchover: by the command line program, as an operator calls it, under some 5000 writes a second: the
  pause that it prints, the pause that clients saw, the time of the command, acknowledged writes lost
- scrapes: what a GET of /metrics costs the master's agent, from times with and without scrapes by turns
- pages: what 0, 1 and 16 open live pages cost the master's agent, by turns, at rest and under writes
On a machine that does nothing else, about 25 minutes: figures of a busy one are upper bounds.

  --only A,B         of: ${PARTS.join(', ')} (all)
  --switchovers N    so many (30)
  --writes N         acknowledged writes over all switchovers, at least (300000)
  --rounds N         of scrapes and of pages (6)
  --seconds N        of each time that is measured in a round (20)
  --rate N           scrapes a second; Prometheus makes one in 15 s or more (20)
  --json FILE        writes the figures
  --help
`;

/** Undefined: help was asked for. */
export function readPeopleOptions(args: readonly string[]): PeopleOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  if (values.json === '') throw new FlagError('--json: ""', 'the path of a file');
  return {
    only: names('only', values.only ?? PARTS.join(','), PARTS),
    switchovers: count('switchovers', values.switchovers, 30, 10_000),
    writes: count('writes', values.writes, 300_000, 100_000_000),
    rounds: count('rounds', values.rounds, 6, 1000),
    seconds: count('seconds', values.seconds, 20, 3600),
    rate: count('rate', values.rate, 20, 1000),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        switchovers: { type: 'string' },
        writes: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        rate: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new FlagError(messageOf(error).split('. ')[0] ?? '', 'see --help');
  }
}
