// status: how each group is, once or again and again. Exit: the worst of them.

import type { GroupView } from '../../src/group-view.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonText, printable, yamlText } from '../printable.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { absentText, findGroups, type GroupName } from './find-groups.ts';
import { type Look, lookAtAll } from './look.ts';
import { Repaint } from './repaint.ts';
import { groupScreen, overview } from './screen.ts';
import { pageText, type Style } from './spans.ts';

export type StatusOptions = {
  readonly group: string | undefined;
  readonly isEverywhere: boolean;
  readonly isWatched: boolean;
  readonly isVerbose: boolean;
  readonly output: string;
};

const EVERY_MS = 1000;
const HEALTH_EXIT = { healthy: EXIT.ok, degraded: EXIT.degraded, critical: EXIT.critical } as const;
/** The worst first. */
const WORST: readonly ExitCode[] = [EXIT.failed, EXIT.critical, EXIT.degraded];

type Seen =
  | { readonly ok: true; readonly looks: readonly Look[]; readonly notes: readonly string[] }
  | { readonly ok: false; readonly why: string };

export async function status(session: Session, options: StatusOptions): Promise<ExitCode> {
  const { clock } = session;
  const signal = options.isWatched ? session.interruption() : null;
  const isPage = session.console.isTerminal && options.output === 'table' && options.isWatched;
  const screen = isPage ? new Repaint(session.console) : null;
  let code: ExitCode = EXIT.ok;
  let last = '';
  try {
    for (let isFirst = true; ; isFirst = false) {
      const seen = await see(session, options);
      code = seen.ok ? exitOf(seen.looks) : EXIT.failed;
      // A line that wraps would shift all that is painted over.
      const width = isPage ? session.console.size().columns : null;
      const style = { ...session.style, width };
      const text = seen.ok ? textOf(style, options, seen.looks) : `${printable(seen.why)}\n`;
      if (screen !== null) screen.paint(text);
      else if (!seen.ok) session.console.note(seen.why);
      // What is written down is written when it changes; an age alone is no change.
      else if (!options.isWatched || faceOf(seen.looks) !== last) session.console.write(text);
      if (seen.ok) last = faceOf(seen.looks);
      if (seen.ok && isFirst && !isPage)
        for (const note of notesOf(seen, options)) session.console.note(note);
      if (signal === null || isEnded(signal)) break;
      await clock.sleep(EVERY_MS);
      if (isEnded(signal)) break;
    }
  } finally {
    screen?.close();
  }
  return code;
}

function isEnded({ aborted }: AbortSignal): boolean {
  return aborted;
}

async function see(session: Session, options: StatusOptions): Promise<Seen> {
  const { cluster, namespace, clock } = session;
  const { group, isEverywhere } = options;
  let names: readonly GroupName[] = group === undefined ? [] : [{ namespace, group }];
  const notes: string[] = [];
  if (group === undefined || isEverywhere) {
    const found = await findGroups(cluster, isEverywhere ? null : namespace);
    if (found.refusals.length === 2) return { ok: false, why: refused(found.refusals) };
    notes.push(...found.refusals.map((each) => `not looked at: ${refusalText(each)}`));
    names = found.groups.filter((each) => group === undefined || each.group === group);
  }
  const there = await lookAtAll(cluster, names, clock);
  if (group !== undefined && there.length === 0) {
    const nowhere = `there is no group ${group} in any namespace. Remedy: status -A lists all of them.`;
    return { ok: false, why: isEverywhere ? nowhere : absentText({ namespace, group }) };
  }
  if (there.length === 0) {
    const here = `no group in namespace ${namespace}. Remedy: status -A looks in all of them.`;
    notes.push(isEverywhere ? 'no group in any namespace' : here);
  }
  return { ok: true, looks: there, notes };
}

function refused(refusals: readonly Parameters<typeof refusalText>[0][]): string {
  return `no group can be looked for: ${[...new Set(refusals.map(refusalText))].join('; ')}`;
}

function exitOf(looks: readonly Look[]): ExitCode {
  const codes = looks.map(
    ({ view, isBlind }): ExitCode => (isBlind ? EXIT.failed : HEALTH_EXIT[view.health]),
  );
  return WORST.find((code) => codes.includes(code)) ?? EXIT.ok;
}

/** On a terminal a screen for one group, and a table for several; -v: a screen for each. */
function textOf(style: Style, options: StatusOptions, looks: readonly Look[]): string {
  const { group, isEverywhere, isVerbose, isWatched, output } = options;
  const views = looks.map(({ view }) => view);
  // Asked for by its name it is that group; else it is a list, also of one.
  const body = group !== undefined && !isEverywhere ? views[0] : views;
  if (output === 'json') {
    return `${isWatched ? jsonText(body) : jsonText(body, 2)}\n`;
  }
  if (output === 'yaml') return `${isWatched ? '---\n' : ''}${yamlText(body)}`;
  if (looks.length > 1 && !isVerbose) return pageText(overview(looks), style);
  const screens = looks.map((each) => pageText(groupScreen(each, isVerbose), style));
  return screens.join('\n');
}

/** Offsets and ages change with every look. */
function faceOf(looks: readonly Look[]): string {
  const face = ({ at: _at, lease, members, ...rest }: GroupView): unknown => ({
    ...rest,
    lease: [lease?.holder, lease?.term],
    members: members.map(({ offset: _offset, behindBytes: _behind, ...member }) => member),
  });
  return JSON.stringify(looks.map(({ view, missing, faults }) => [face(view), missing, faults]));
}

/** The screen of a group has them; a table and data have not. */
function notesOf(seen: Seen & { ok: true }, { output }: StatusOptions): readonly string[] {
  const isScreen = output === 'table' && seen.looks.length === 1;
  const rights = seen.looks.flatMap(({ missing, faults }) => [
    ...missing.map((right) => `not seen: you may not ${right}`),
    ...faults.map((fault) => `not seen: ${fault}`),
  ]);
  return [...new Set([...seen.notes, ...(isScreen ? [] : rights)])];
}
