// The flags of the bench of webhooks.

import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { INJECTORS, type InjectorName } from './injectors/injectors.ts';
import { FlagError } from './options.ts';

export type WebhookOptions = {
  readonly reviews: number;
  readonly rounds: number;
  readonly total: number;
  readonly systems: readonly InjectorName[];
  readonly json: string | undefined;
};

const NAMES = Object.keys(INJECTORS) as InjectorName[];

export const WEBHOOK_HELP = `npm run bench:webhook -- [FLAG...]

Our webhook beside other public injectors, each a process of its own as its image runs it, on one real API
server: the same AdmissionReviews over TLS on kept connections, a round of each in turn. A small Redis pod,
one as Bitnami's chart makes it, one of 64 KB, one with 1,500 variables.
- p50, p95, p99 and maximum: one connection, one review after the other
- reviews per second and core: several connections, over the seconds of CPU that the process used
- memory: idle and after all reviews; meanwhile the certificate of all of them is swapped
The others are obtained once into the cache folder, from npm and Go modules, in the versions that
test/bench/injectors names: ten minutes or more. On a machine that does nothing else: about eight minutes.

  --reviews N        of each kind of pod to each system, one at a time (5000)
  --rounds N         over which they are spread (10)
  --total N          reviews after which memory is looked at (100000)
  --systems A,B      of: ${NAMES.join(', ')} (all)
  --json FILE        writes the figures
  --help
`;

/** Undefined: help was asked for. */
export function readWebhookOptions(args: readonly string[]): WebhookOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const chosen = (values.systems ?? NAMES.join(',')).split(',').map((each) => {
    const found = NAMES.find((name) => name === each.trim());
    if (found === undefined) throw new FlagError(`--systems: "${each}"`, NAMES.join(', '));
    return found;
  });
  if (values.json === '') throw new FlagError('--json: ""', 'the path of a file');
  return {
    reviews: count('reviews', values.reviews, 5000),
    rounds: count('rounds', values.rounds, 10),
    total: count('total', values.total, 100_000),
    systems: NAMES.filter((name) => chosen.includes(name)),
    json: values.json,
  };
}

function count(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new FlagError(`--${flag}: "${text}"`, 'a whole number from 1 to 9999999');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        reviews: { type: 'string' },
        rounds: { type: 'string' },
        total: { type: 'string' },
        systems: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new FlagError(messageOf(error).split('. ')[0] ?? '', 'see --help');
  }
}
