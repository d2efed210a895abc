// Structured logs: one JSON object per line on standard output, secrets never among them.

import { destination, type Logger, pino } from 'pino';
import type { OptionSpec } from './options.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** The same option in every program's table. */
export const LOG_LEVEL_OPTION = {
  flag: 'log-level',
  env: 'RO_LOG_LEVEL',
  kind: 'choice',
  choices: LOG_LEVELS,
  fallback: 'info',
  text: 'least level that is logged',
} as const satisfies OptionSpec;

/** Synchronous, so that the last line before an exit is never lost. */
export function createLog(program: string, level: string, fields: Record<string, string>): Log {
  return pino(
    {
      level,
      base: { program, ...fields },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['password', '*.password', 'masterauth', '*.masterauth', 'token', '*.token'],
        censor: '(hidden)',
      },
    },
    destination({ fd: 1, sync: true }),
  );
}
