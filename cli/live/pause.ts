// pause and resume: that nobody takes over from a master that fails, for a time. Done when every agent that has
// one says so itself.

import { formatDuration } from '../../src/duration.ts';
import type { PauseReport } from '../../src/wire.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { absentText } from './find-groups.ts';
import type { Heard } from './gather.ts';
import { isThere, look, type Look } from './look.ts';
import { type PauseConflict, pauseConflict } from './pause-conflict.ts';
import { hasAgent, isEnded } from './raw-objects.ts';
import { endPause, whoAmI, writeRequest, writtenPause } from './request-lease.ts';
import { span, lineText } from './spans.ts';

export type PauseOptions = {
  readonly group: string;
  readonly forMs: number;
  readonly reason: string;
  readonly waitMs: number;
  /** Also where somebody else's pause would end sooner by it. */
  readonly isAgreed: boolean;
};

const EVERY_MS = 200;
/** Each agent turns the end into its own clock and back. */
const SAME_MS = 2000;

export async function pause(session: Session, options: PauseOptions): Promise<ExitCode> {
  const { cluster, namespace, clock, console } = session;
  const { group, forMs, reason } = options;
  const before = await look(cluster, namespace, group, clock);
  if (!isThere(before)) return unknownGroup(session, group);
  const by = await whoAmI(cluster, session.user);
  const expires = new Date(before.serverEpochMs + forMs).toISOString();
  const place = { namespace, group };
  const wanted = { by, expiresEpochMs: Date.parse(expires) };
  // What agents do not know yet is written over all the same.
  const standing = await writtenPause(cluster, place);
  const found = standing === undefined ? before.view.paused : standing;
  const conflict = pauseConflict(found, wanted, before.serverEpochMs);
  const stopped = await agreedTo(session, conflict, options);
  if (stopped !== null) return stopped;
  const written = await writeRequest(
    cluster,
    place,
    'pause',
    JSON.stringify({ by, reason, expires }),
  );
  if (!written.ok) {
    console.note(`the pause could not be written: ${refusalText(written)}`);
    return EXIT.failed;
  }
  if (before.view.master === null) console.note(`there is no master now: ${before.view.summary}`);
  const why = reason === '' ? '' : `: ${reason}`;
  const done = `failover is paused until ${expires} (${formatDuration(forMs)}) by ${by}${why}`;
  const isIt = (paused: PauseReport | null): boolean =>
    paused?.by === by && Math.abs(Date.parse(paused.until) - Date.parse(expires)) < SAME_MS;
  return await agreed(session, group, options.waitMs, isIt, done);
}

/** Null: go on. */
async function agreedTo(
  { console }: Session,
  conflict: PauseConflict,
  { isAgreed }: PauseOptions,
): Promise<ExitCode | null> {
  if (conflict.kind === 'none') return null;
  if (conflict.kind === 'replaced' || isAgreed) {
    console.note(conflict.text);
    return null;
  }
  if (console.ask === null) {
    console.note(`refused: ${conflict.text}. Nothing was changed. Remedy: ask them, then --yes.`);
    return EXIT.refused;
  }
  const answer = await console.ask(`${conflict.text}. Replace it? [y/N] `);
  if (/^y(es)?$/i.test(answer.trim())) return null;
  console.note('Nothing was changed.');
  return EXIT.failed;
}

export async function resume(
  session: Session,
  { group, waitMs }: Pick<PauseOptions, 'group' | 'waitMs'>,
): Promise<ExitCode> {
  const { cluster, namespace, clock, console } = session;
  const before = await look(cluster, namespace, group, clock);
  if (!isThere(before)) return unknownGroup(session, group);
  const ended = await endPause(cluster, { namespace, group });
  // Without that Lease nothing was ever asked for.
  if (!ended.ok && ended.status !== 404) {
    console.note(`the pause could not be ended: ${refusalText(ended)}`);
    return EXIT.failed;
  }
  const { paused } = before.view;
  const done =
    paused === null
      ? 'failover was not paused'
      : `failover goes on; it was paused by ${paused.by} until ${paused.until}`;
  return await agreed(session, group, waitMs, (now) => now === null, done);
}

function unknownGroup({ namespace, console }: Session, group: string): ExitCode {
  console.note(absentText({ namespace, group }));
  return EXIT.failed;
}

/** Waits until each agent tells what it should. */
async function agreed(
  session: Session,
  group: string,
  waitMs: number,
  isIt: (paused: PauseReport | null) => boolean,
  done: string,
): Promise<ExitCode> {
  const { cluster, namespace, clock, console, style } = session;
  const signal = session.interruption();
  const start = clock.now();
  for (;;) {
    const now = await look(cluster, namespace, group, clock);
    const { agents, doubts } = opinions(now, isIt);
    if (doubts.length === 0 && agents.length > 0) {
      const line = [span('√', 'good'), span(` ${namespace}/${group}: ${done}`)];
      console.write(`${lineText(line, style)}\n`);
      console.write(
        `  ${agents.length} of ${agents.length} agents know it: ${agents.join(', ')}\n`,
      );
      return EXIT.ok;
    }
    if (signal.aborted || clock.now() - start >= waitMs) {
      console.note(
        `written; but after ${formatDuration(clock.now() - start)} not every agent knows it:`,
      );
      const reasons = now.isBlind ? [now.view.summary] : doubts;
      for (const doubt of reasons) console.note(`  ${doubt}`);
      return EXIT.failed;
    }
    await clock.sleep(EVERY_MS);
  }
}

/** Pods without an agent have no say: they never take over. */
function opinions(
  { pods, heard }: Look,
  isIt: (paused: PauseReport | null) => boolean,
): { readonly agents: readonly string[]; readonly doubts: readonly string[] } {
  const asked = pods.filter((pod) => hasAgent(pod) && !isEnded(pod));
  const agents = asked.map(({ metadata }) => metadata?.name ?? '');
  const doubts = asked.flatMap(({ metadata }) => {
    const doubt = doubtOf(heard.get(metadata?.uid ?? ''), isIt);
    return doubt === null ? [] : [`${metadata?.name}: ${doubt}`];
  });
  return { agents, doubts };
}

function doubtOf(
  answer: Heard | undefined,
  isIt: (paused: PauseReport | null) => boolean,
): string | null {
  if (answer === undefined) return 'its agent was not asked';
  if (!('report' in answer)) return answer.silence;
  const { paused, version } = answer.report;
  if (paused === undefined) return `its agent (${version}) knows no pause`;
  if (isIt(paused)) return null;
  return paused === null ? 'is not paused' : `is paused by ${paused.by} until ${paused.until}`;
}
