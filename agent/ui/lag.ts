// Bytes behind the master in the last five minutes, one sample a second for each member. Pure.
//
// Invariant: at most LAG_SECONDS samples of at most MEMBERS_MAX members are kept, however long a page is open.

import type { MemberView } from '../../src/group-view.ts';

export const LAG_SECONDS = 300;
const MEMBERS_MAX = 100;
/** Seconds without a sample after which the line is broken: nothing was heard in between. */
const GAP_SECONDS = 3;

/** `bytes` null: not known in that second. */
export type Sample = { readonly second: number; readonly bytes: number | null };

/** By the UID of the pod: a new one of the same name begins anew. */
export type Lag = ReadonlyMap<string, readonly Sample[]>;

export const NO_LAG: Lag = new Map();

/** Of several looks in one second the worst counts: it is what a person wants to see. */
export function withSamples(lag: Lag, members: readonly MemberView[], nowMs: number): Lag {
  const second = Math.floor(nowMs / 1000);
  return new Map(
    members
      .slice(0, MEMBERS_MAX)
      .map(({ uid, behindBytes }) => [uid, added(lag.get(uid) ?? [], second, behindBytes)]),
  );
}

function added(
  samples: readonly Sample[],
  second: number,
  bytes: number | null,
): readonly Sample[] {
  const last = samples.at(-1);
  // A clock that was set back: what was before it cannot be placed any more.
  if (last !== undefined && last.second > second) return [{ second, bytes }];
  const isAgain = last?.second === second;
  const worst = isAgain ? worse(last.bytes, bytes) : bytes;
  const kept = (isAgain ? samples.slice(0, -1) : samples).filter(
    (each) => each.second > second - LAG_SECONDS,
  );
  return [...kept, { second, bytes: worst }];
}

function worse(before: number | null, now: number | null): number | null {
  return before === null || now === null ? (now ?? before) : Math.max(before, now);
}

export function worstOf(samples: readonly Sample[]): number | null {
  const known = samples.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]));
  return known.length === 0 ? null : Math.max(...known);
}

/** The lines of an SVG path in a box; the right edge is now. */
export function lagPath(
  samples: readonly Sample[],
  nowMs: number,
  box: { readonly width: number; readonly height: number },
): string {
  const now = Math.floor(nowMs / 1000);
  const worst = Math.max(1, worstOf(samples) ?? 0);
  let before: number | null = null;
  const steps: string[] = [];
  for (const { second, bytes } of samples) {
    if (bytes === null || second <= now - LAG_SECONDS) continue;
    const x = box.width * (1 - (now - second) / LAG_SECONDS);
    const y = 1 + (box.height - 2) * (1 - bytes / worst);
    const isJoined = before !== null && second - before <= GAP_SECONDS;
    // A point alone would not be seen: it is a stroke of some width.
    steps.push(
      `${isJoined ? 'L' : `M${(x - 1).toFixed(1)} ${y.toFixed(1)}L`}${x.toFixed(1)} ${y.toFixed(1)}`,
    );
    before = second;
  }
  return steps.join('');
}
