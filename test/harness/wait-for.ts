// Bounded waiting for a condition: the only way in which a test lets time pass.

import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';

export type WaitOptions = {
  readonly timeoutMs: number;
  readonly everyMs?: number;
  /** Told in the failure, so that the log shows what was there instead. */
  readonly picture?: () => string | Promise<string>;
};

/**
 * Polls until `check` answers neither undefined nor false, and returns that answer.
 * An exception means "not yet": its message is kept for the failure.
 */
export async function waitFor<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let last = 'the condition was not true';
  for (;;) {
    try {
      const answer = await check();
      if (answer !== undefined && answer !== false) return answer;
      last = 'the condition was not true';
    } catch (error) {
      last = messageOf(error);
    }
    if (performance.now() > deadline) break;
    await pause(options.everyMs ?? 20);
  }
  const picture = options.picture === undefined ? '' : `\n${await options.picture()}`;
  throw new Error(`${what}: not within ${options.timeoutMs} ms; last: ${last}${picture}`);
}

/** Fails as soon as `check` throws during the whole of `durationMs`: for "must not happen". */
export async function holdsFor(
  durationMs: number,
  check: () => void | Promise<void>,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    await check();
    await pause(everyMs);
  }
}
