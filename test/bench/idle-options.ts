// The flags of the bench of rest.

import { parseArgs } from 'node:util';
import { FlagError } from './options.ts';
import { messageOf } from '../../src/errors.ts';

export type IdleOptions = {
  readonly minutes: number;
  readonly sizes: readonly number[];
  readonly flags: readonly string[] | undefined;
  readonly profile: string;
  readonly json: string | undefined;
};

export const IDLE_HELP = `npm run bench:idle -- [FLAG...]

What our agents cost when nothing happens: memory, CPU, requests to the API server, bytes between them.
Real agents, the built bundle with the flags of Dockerfile.agent, in groups on a real API server.
On a machine that does nothing else: figures of a busy one are upper bounds.

  --minutes N        of each group, after half a minute of settling (10)
  --sizes A,B        sizes of the groups (3,9)
  --profile NAME     timing profile of the agents (balanced)
  --node-flags TEXT  other flags of node than the image's, in one text
  --json FILE        writes the figures
  --help
`;

/** Undefined: help was asked for. */
export function readIdleOptions(args: readonly string[]): IdleOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const minutes = Number(values.minutes ?? 10);
  if (!(minutes > 0 && minutes <= 1440)) {
    throw new FlagError(`--minutes: "${values.minutes}"`, 'a number above 0, at most 1440');
  }
  const sizes = (values.sizes ?? '3,9').split(',').map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size >= 1 && size <= 50)) {
    throw new FlagError(`--sizes: "${values.sizes}"`, 'whole numbers from 1 to 50, with commas');
  }
  const flags = values['node-flags']?.split(' ').filter((flag) => flag !== '');
  return { minutes, sizes, flags, profile: values.profile ?? 'balanced', json: values.json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        sizes: { type: 'string' },
        profile: { type: 'string' },
        'node-flags': { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new FlagError(messageOf(error).split('. ')[0] ?? '', 'see --help');
  }
}
