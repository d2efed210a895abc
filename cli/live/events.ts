// events: what was told of a group, and its terms, in the order of time; -w: and what is told from now on; -v: what
// is told of each pod that starts as well.

import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonText } from '../printable.ts';
import { type Refusal, refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { eventLine, type EventRow, eventRows, type RawEvent, subjectsOf } from './event-rows.ts';
import { absentText } from './find-groups.ts';
import { askLease, askPods } from './group-objects.ts';
import { termsOf } from './history.ts';
import { itemsIn, type RawList, readLease } from './raw-objects.ts';
import { lineText } from './spans.ts';

export type EventsOptions = {
  readonly group: string;
  readonly isWatched: boolean;
  readonly isVerbose: boolean;
  readonly sinceMs: number;
  readonly output: string;
};

const EVERY_MS = 1000;

type Read = {
  readonly rows: readonly EventRow[];
  readonly refusals: readonly Refusal[];
  readonly isThere: boolean;
  readonly nowEpochMs: number;
};

export async function events(session: Session, options: EventsOptions): Promise<ExitCode> {
  const { console, clock, style, namespace } = session;
  const { group, isWatched, isVerbose, sinceMs, output } = options;
  const signal = isWatched ? session.interruption() : null;
  const told = new Set<string>();
  const noted = new Set<string>();
  let code: ExitCode = EXIT.ok;
  for (let isFirst = true; ; isFirst = false) {
    const { rows, refusals, isThere, nowEpochMs } = await read(session, group);
    for (const why of refusals.map(refusalText)) {
      if (!noted.has(why)) console.note(`not looked at: ${why}`);
      noted.add(why);
    }
    // What is there is told in any case; who asked for all of it must know that it is not all.
    code = refusals.length > 0 ? EXIT.failed : EXIT.ok;
    if (!isThere && refusals.length === 0 && isFirst) {
      console.note(absentText({ namespace, group }));
      return EXIT.failed;
    }
    const since = isFirst ? nowEpochMs - sinceMs : Number.NEGATIVE_INFINITY;
    const inTime = rows.filter(({ key, at }) => !told.has(key) && Date.parse(at) >= since);
    // Data are for programs, which filter by themselves.
    const isAll = isVerbose || output === 'json';
    const fresh = isAll ? inTime : inTime.filter(({ isAside }) => !isAside);
    const asides = inTime.length - fresh.length;
    for (const { key } of rows) told.add(key);
    if (output === 'json') {
      const list = fresh.map(({ key: _key, isAside: _aside, ...row }) => row);
      if (!isWatched) console.write(`${jsonText(list, 2)}\n`);
      else for (const row of list) console.write(`${jsonText(row)}\n`);
    } else {
      for (const row of fresh) console.write(`${lineText(eventLine(row), style)}\n`);
      if (isFirst && inTime.length === 0 && !isWatched) console.note('nothing in that time');
    }
    if (isFirst && asides > 0) {
      const [what, those] = asides === 1 ? ['one Event', 'it'] : [`${asides} Events`, 'them'];
      console.note(`${what} of pods that started left out: -v shows ${those}`);
    }
    if (signal === null || signal.aborted) return code;
    await clock.sleep(EVERY_MS);
  }
}

async function read({ cluster, namespace, clock }: Session, group: string): Promise<Read> {
  const place = { namespace, group };
  const [lease, pods, list] = await Promise.all([
    askLease(cluster, place),
    askPods(cluster, place),
    // The older API shows Events of both, and whoever may view a namespace may read it.
    cluster.ask<RawList<RawEvent>>({
      right: { verb: 'list', resource: 'events', namespace },
      path: `/api/v1/namespaces/${namespace}/events`,
    }),
  ]);
  const terms = lease.ok ? termsOf(readLease(lease.body)) : [];
  const own = pods.ok ? itemsIn(pods.body) : [];
  const rows = eventRows(list.ok ? itemsIn(list.body) : [], terms, subjectsOf(group, own, terms));
  const failed = [lease, pods, list].filter((each) => !each.ok);
  return {
    rows,
    refusals: failed.filter(({ status }) => status !== 404),
    isThere: lease.ok || own.length > 0,
    nowEpochMs: (list.ok ? list.serverEpochMs : null) ?? clock.now(),
  };
}
