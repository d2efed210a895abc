// The options of each command: one table each for the parser, --help, completion and the docs.

import type { OptionTable } from '../src/options.ts';
import {
  CLUSTER,
  COLOR,
  DATA_OUTPUT,
  DIFF,
  EVERYWHERE,
  FILE,
  INJECTION,
  INSTALLATION,
  MAYBE_FILE,
  NAMESPACE,
  OUTPUT,
  VERBOSE,
  WAIT,
  WATCH,
  YES,
} from './option-parts.ts';

export const INJECT_OPTIONS = { ...FILE, ...DIFF, ...NAMESPACE, ...INJECTION } as const;
export const UNINJECT_OPTIONS = { ...FILE, ...DIFF } as const;
export const EXPLAIN_OPTIONS = { ...MAYBE_FILE, ...OUTPUT, ...CLUSTER, ...INJECTION } as const;
export const CHECK_OPTIONS = {
  ...INSTALLATION,
  ...MAYBE_FILE,
  ...DATA_OUTPUT,
  ...EVERYWHERE,
  ...CLUSTER,
  ...INJECTION,
} as const;

export const STATUS_OPTIONS = {
  ...WATCH,
  ...VERBOSE,
  ...DATA_OUTPUT,
  ...EVERYWHERE,
  ...CLUSTER,
  ...COLOR,
} as const;
export const HISTORY_OPTIONS = {
  limit: {
    flag: 'limit',
    env: '',
    kind: 'integer',
    fallback: '20',
    min: 1,
    text: 'so many terms, the newest ones',
  },
  ...VERBOSE,
  ...DATA_OUTPUT,
  ...CLUSTER,
  ...COLOR,
} as const satisfies OptionTable;
export const EVENTS_OPTIONS = {
  ...WATCH,
  ...VERBOSE,
  since: {
    flag: 'since',
    env: '',
    kind: 'duration',
    fallback: '24h',
    text: 'how far back',
  },
  ...OUTPUT,
  ...CLUSTER,
  ...COLOR,
} as const satisfies OptionTable;
export const SWITCHOVER_OPTIONS = {
  to: {
    flag: 'to',
    env: '',
    kind: 'string',
    text: 'the pod that is to be master (default: whoever is next)',
  },
  dryRun: {
    flag: 'dry-run',
    env: '',
    kind: 'boolean',
    fallback: 'false',
    text: 'tell what must hold and whether it does, and change nothing',
  },
  ...YES,
  ...WAIT,
  ...CLUSTER,
  ...COLOR,
} as const satisfies OptionTable;
export const PAUSE_OPTIONS = {
  for: {
    flag: 'for',
    env: '',
    kind: 'duration',
    required: true,
    min: 1000,
    max: 30 * 24 * 3_600_000,
    text: 'how long, such as 30m or 2h: then it ends by itself',
  },
  reason: {
    flag: 'reason',
    env: '',
    kind: 'string',
    fallback: '',
    text: 'why, for all who see it, in at most 253 characters',
  },
  ...YES,
  ...WAIT,
  ...CLUSTER,
  ...COLOR,
} as const satisfies OptionTable;
export const RESUME_OPTIONS = { ...WAIT, ...CLUSTER, ...COLOR } as const;
export const UI_OPTIONS = {
  port: {
    flag: 'port',
    env: '',
    kind: 'integer',
    fallback: '0',
    min: 0,
    max: 65_535,
    text: 'port of 127.0.0.1; 0: any free one',
  },
  ...EVERYWHERE,
  ...CLUSTER,
  ...COLOR,
} as const satisfies OptionTable;
export const NO_OPTIONS = {} as const satisfies OptionTable;
