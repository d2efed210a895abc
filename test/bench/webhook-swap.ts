// The certificate of all systems is swapped under load, by new files of the same authority, as a mounted
// Secret brings them. Who opens a connection then must get an answer, before, during and after it.

import { messageOf } from '../../src/errors.ts';
import { Caller, type Target } from './webhook-caller.ts';
import { type Kind, reviewBodies, whyNoInjection } from './webhook-reviews.ts';

/** Ours looks once a minute: the kubelet itself takes as long to bring a Secret's new files to a pod. */
const SWAP_BOUND_MS = 75_000;
/** The slowest ones do not get to all reviews: how many it were is written down. Ours must. */
const LOAD_BOUND_MS = { ours: 300_000, theirs: 90_000 };
const AFTER_SWAP_MS = 3000;
const REVIEWS_PER_CONNECTION = 100;
const CONNECTIONS = 2;
const KIND: Kind = 'small';

export type Swapped = {
  readonly reviews: number;
  readonly connections: number;
  readonly errors: number;
  readonly firstError: string | undefined;
  /** From the new files to the first connection with the new certificate; null: not within 75 s. */
  readonly seen_s: number | null;
};

/** `wanted` reviews, where they can be had; ends when the new certificate was seen and used for a while, or never is. */
export async function swapUnderLoad(
  target: Target,
  wanted: number,
  newSerial: string,
  whose: keyof typeof LOAD_BOUND_MS,
): Promise<Swapped> {
  const bodies = reviewBodies(KIND);
  const start = performance.now();
  const counts = { reviews: 0, connections: 0, errors: 0 };
  let firstError: string | undefined;
  let seenMs: number | undefined;
  const failed = (why: string): void => {
    counts.errors++;
    firstError ??= why;
  };
  const isDone = (): boolean => {
    const passedMs = performance.now() - start;
    const isSettled =
      seenMs === undefined ? passedMs > SWAP_BOUND_MS : passedMs > seenMs + AFTER_SWAP_MS;
    return isSettled && (counts.reviews >= wanted || passedMs > LOAD_BOUND_MS[whose]);
  };
  const connection = async (): Promise<void> => {
    const caller = new Caller(target);
    counts.connections++;
    for (let at = 0; at < REVIEWS_PER_CONNECTION && !isDone(); at++) {
      try {
        const body = bodies[counts.reviews++ % bodies.length] ?? Buffer.alloc(0);
        const { status, text } = await caller.call(body);
        const why = whyNoInjection(status, text);
        if (why !== undefined) failed(why);
      } catch (error) {
        failed(messageOf(error));
      }
      if (caller.serial === newSerial) seenMs ??= performance.now() - start;
    }
    await caller.close();
  };
  const lane = async (): Promise<void> => {
    while (!isDone()) await connection();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  const seen_s = seenMs === undefined ? null : Number((seenMs / 1000).toFixed(1));
  return { ...counts, firstError, seen_s };
}
