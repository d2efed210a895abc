// switchover: another pod is to be master, without a lost write. What must hold is printed first; then the master is
// asked, and its answer followed to the end. What is not answered in time is taken back.

import { formatDuration } from '../../src/duration.ts';
import type { GroupView } from '../../src/group-view.ts';
import type { RequestAnswer } from '../../src/wire.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { absentText } from './find-groups.ts';
import { answerTo, type Asked } from './follow-answer.ts';
import { isThere, look, type Look } from './look.ts';
import { chosenTarget, conditionLine, switchoverConditions } from './preconditions.ts';
import { whoAmI, withdrawRequest, writeRequest } from './request-lease.ts';
import { span, lineText, type Line } from './spans.ts';

export type SwitchoverOptions = {
  readonly group: string;
  readonly target: string | undefined;
  readonly isDry: boolean;
  readonly isAgreed: boolean;
  readonly waitMs: number;
};

const EVERY_MS = 200;
/** Most are answered at once; one that takes its time is asked about less and less. */
const EVERY_MAX_MS = 1000;
/** The last look is a look, too. */
const LOOK_MIN_MS = 200;
/** Somebody may have begun it while it was being withdrawn; what is begun, the agents end themselves. */
const LATE_MS = 1500;
const BEGUN_MAX_MS = 30_000;
/** The successor tells of its promotion a moment after the record does. */
const PAUSE_KNOWN_MS = 3000;

export async function switchover(session: Session, options: SwitchoverOptions): Promise<ExitCode> {
  const { cluster, namespace, clock, console } = session;
  const { group, target, waitMs } = options;
  const say = (line: Line): void => console.write(`${lineText(line, session.style)}\n`);
  const before = await look(cluster, namespace, group, clock);
  if (!isThere(before)) {
    console.note(absentText({ namespace, group }));
    return EXIT.failed;
  }
  const conditions = switchoverConditions(before, target);
  const successor = chosenTarget(before.view, target);
  const master = before.view.master?.pod ?? 'nobody';
  say([span(`switchover ${namespace}/${group}: ${master} → ${successor ?? 'nobody'}`, 'strong')]);
  for (const condition of conditions) say(conditionLine(condition));
  if (conditions.some(({ level }) => level === 'error')) {
    console.note('refused: it would not be safe. Nothing was changed.');
    return before.isBlind ? EXIT.failed : EXIT.refused;
  }

  const by = await whoAmI(cluster, session.user);
  const id = session.newId();
  const text = requestText(before, options, id, by);
  const place = { namespace, group };
  const tried = await writeRequest(cluster, place, 'request', text, true);
  if (!tried.ok) {
    say(conditionLine({ level: 'error', text: refusalText(tried) }));
    console.note('Nothing was changed.');
    return EXIT.failed;
  }
  say(conditionLine({ level: 'ok', text: `${by} may ask for it` }));
  if (options.isDry) return EXIT.ok;
  if (!options.isAgreed) {
    if (console.ask === null) {
      console.note('there is no terminal to ask on. Remedy: write --yes.');
      return EXIT.usage;
    }
    const answer = await console.ask(`Hand over from ${master} to ${successor}? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) {
      console.note('Nothing was changed.');
      return EXIT.failed;
    }
  }

  // The term may have changed while a person thought: then it is refused, and nothing happens.
  const late = requestText(before, options, id, by, clock.now() - before.lookedAt);
  // Ctrl-C withdraws it, as a timeout does.
  const signal = session.interruption();
  const written = await writeRequest(cluster, place, 'request', late);
  if (!written.ok) {
    console.note(`the request could not be written: ${refusalText(written)}`);
    return EXIT.failed;
  }
  const asked = { ...place, id, master: masterPod(before) };
  const answer = await follow(session, asked, waitMs, signal);
  if (answer !== null && answer.outcome !== 'begun') return await conclude(session, asked, answer);
  const end = answer === null ? 'no answer' : 'begun, and not at its end,';
  console.note(signal.aborted ? 'interrupted' : `${end} within ${formatDuration(waitMs)}`);
  return await giveUp(session, asked, late);
}

function masterPod({ pods, view }: Look): Asked['master'] {
  return pods.find(({ metadata }) => metadata?.name === view.master?.pod) ?? {};
}

/** By the clock of the API server, which the agents' is nearer to than ours. */
function requestText(
  { view, serverEpochMs }: Look,
  { target, waitMs }: SwitchoverOptions,
  id: string,
  by: string,
  passedMs = 0,
): string {
  const expires = new Date(serverEpochMs + passedMs + waitMs + 1000).toISOString();
  const { term } = view.master ?? { term: 0 };
  const to = target === undefined ? {} : { target };
  return JSON.stringify({ id, operation: 'switchover', ...to, term, expires, by });
}

/** The conclusion; `begun` where there was none in time, and null where there was no answer at all. */
async function follow(
  { cluster, clock, console }: Session,
  asked: Asked,
  waitMs: number,
  signal?: AbortSignal,
): Promise<RequestAnswer | null> {
  const start = clock.now();
  let begun: RequestAnswer | null = null;
  let everyMs = EVERY_MS;
  for (;;) {
    const leftMs = (): number =>
      start + (begun === null ? waitMs : Math.max(waitMs, BEGUN_MAX_MS)) - clock.now();
    const answer = await answerTo(cluster, asked, Math.max(leftMs(), LOOK_MIN_MS));
    if (answer !== null && answer.outcome !== 'begun') return answer;
    if (answer !== null && begun === null) console.note(`begun: ${answer.detail}`);
    begun ??= answer;
    // What has begun ends by itself, one way or the other: to leave it in the middle tells nothing.
    if (signal?.aborted === true || leftMs() <= 0) return begun;
    await clock.sleep(Math.min(everyMs, leftMs()));
    everyMs = Math.min(everyMs * 2, EVERY_MAX_MS);
  }
}

async function conclude(session: Session, asked: Asked, answer: RequestAnswer): Promise<ExitCode> {
  const { console, cluster, clock, style } = session;
  const { namespace, group } = asked;
  if (answer.outcome === 'refused') {
    console.note(`refused by the master: ${answer.detail}. Nothing was changed.`);
    return EXIT.refused;
  }
  if (answer.outcome === 'undone') {
    console.note(`undone: ${answer.detail}`);
    const after = await look(cluster, namespace, group, clock);
    console.note(leaderText(after));
    return EXIT.undone;
  }
  const start = clock.now();
  let after = await look(cluster, namespace, group, clock);
  const isKnown = (): boolean => pauseOf(after) !== null && lastChangeOf(after)?.lostBytes !== null;
  while (!isKnown() && clock.now() - start < PAUSE_KNOWN_MS) {
    await clock.sleep(EVERY_MS);
    after = await look(cluster, namespace, group, clock);
  }
  const pauseMs = pauseOf(after);
  const paused = pauseMs === null ? '' : `; writes paused for ${Math.round(pauseMs)} ms`;
  const line = [span('√', 'good'), span(` ${answer.detail}${paused}; ${lossText(after)}`)];
  console.write(`${lineText(line, style)}\n`);
  return EXIT.ok;
}

/** The change that the present master brought about, once it is seen. */
function lastChangeOf({ view }: Look): GroupView['lastChange'] {
  const { lastChange, master } = view;
  return master !== null && lastChange?.to === master.pod ? lastChange : null;
}

function pauseOf(seen: Look): number | null {
  const last = lastChangeOf(seen);
  return last?.kind === 'planned' ? last.pauseMs : null;
}

/** Known once the old master follows the new one: it may have ended in the midst of its part. */
function lossText(seen: Look): string {
  const last = lastChangeOf(seen);
  if (last?.lostBytes === 0) return 'no write was lost';
  return last?.lost ?? 'whether a write was lost is not known';
}

async function giveUp(session: Session, asked: Asked, text: string): Promise<ExitCode> {
  const { cluster, console, clock } = session;
  const taken = await withdrawRequest(cluster, asked, text);
  // Whoever saw it just before may have begun it.
  const late = await follow(session, asked, LATE_MS);
  // Refused after that, because its time was over, it is what was wanted.
  if (late?.outcome === 'begun') {
    const { namespace, group } = asked;
    const remedy = `redis-orchestrator status -n ${namespace} ${group} tells who leads`;
    console.note(`it was begun, and how it ended was not seen. Remedy: ${remedy}.`);
    return EXIT.failed;
  }
  if (late !== null && late.outcome !== 'refused') return await conclude(session, asked, late);
  console.note(
    taken.ok
      ? 'undone: the request is withdrawn'
      : `the request could not be withdrawn, and ends by itself: ${refusalText(taken)}`,
  );
  console.note(leaderText(await look(cluster, asked.namespace, asked.group, clock)));
  return taken.ok ? EXIT.undone : EXIT.failed;
}

function leaderText({ view }: Look): string {
  const { master, lease } = view;
  if (master !== null) return `${master.pod} leads, term ${master.term}`;
  return `no master was seen; the Lease names ${lease?.holder ?? 'nobody'}, term ${lease?.term ?? '?'}`;
}
