// history: the changes of master that the record of the Lease holds, the newest first. The Lease alone is read.

import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonText, yamlText } from '../printable.ts';
import { refusalText } from './cluster.ts';
import type { Session } from './context.ts';
import { absentText } from './find-groups.ts';
import { askLease } from './group-objects.ts';
import { type LeaseRecord, readLease } from './raw-objects.ts';
import { columns, type Line, pageText, span } from './spans.ts';
import { detailTexts } from '../../src/term-texts.ts';
import { sinceText } from '../ages.ts';

export type HistoryOptions = {
  readonly group: string;
  readonly limit: number;
  readonly isVerbose: boolean;
  readonly output: string;
};

export async function history(session: Session, options: HistoryOptions): Promise<ExitCode> {
  const { cluster, namespace, console, clock, style } = session;
  const { group, limit, output } = options;
  const answer = await askLease(cluster, { namespace, group });
  if (!answer.ok) {
    const isAbsent = answer.status === 404;
    console.note(isAbsent ? absentText({ namespace, group }) : refusalText(answer));
    return EXIT.failed;
  }
  const terms = termsOf(readLease(answer.body)).slice(0, limit);
  if (output === 'json') console.write(`${jsonText(terms, 2)}\n`);
  else if (output === 'yaml') console.write(yamlText(terms));
  else {
    const now = new Date(answer.serverEpochMs ?? clock.now()).toISOString();
    console.write(pageText(historyTable(terms, now, options.isVerbose), style));
  }
  return EXIT.ok;
}

export type ToldTerm = LeaseRecord['history'][number] & {
  /** Whether somebody opened writes in it. */
  readonly isOpened: boolean;
};

/** The newest first. */
export function termsOf({ history, opened }: LeaseRecord): readonly ToldTerm[] {
  const known = new Set(opened);
  return history.toReversed().map((entry) => ({ ...entry, isOpened: known.has(entry.term) }));
}

function historyTable(
  terms: readonly ToldTerm[],
  now: string,
  isVerbose: boolean,
): readonly Line[] {
  if (terms.length === 0) return [[span('no term yet')]];
  const names = [
    'TERM',
    'HOLDER',
    'WHEN',
    ...(isVerbose ? ['AT', 'WRITES', 'REQUEST'] : []),
    'WHY',
  ];
  const rows = terms.map((each): Line => {
    const { term, holder, at, isOpened, request, reason } = each;
    const more = [span(at), span(isOpened ? 'opened' : '-'), span(request ?? '-')];
    return [
      span(String(term)),
      span(holder),
      span(`${sinceText(at, now)} ago`),
      ...(isVerbose ? more : []),
      span(reason),
    ];
  });
  const table = columns([names.map((name) => span(name, 'dim')), ...rows]);
  return isVerbose ? [...table, ...terms.flatMap(detailLines)] : table;
}

/** Who was compared, what decided, and what it cost; only recent terms have it. */
function detailLines({ term, details }: ToldTerm): readonly Line[] {
  if (details === undefined) return [];
  return [
    [],
    [span(`term ${term}`, 'strong')],
    ...detailTexts(details).map(
      ([name, text]): Line => [span(`  ${name.padEnd(12)}`, 'dim'), span(text)],
    ),
  ];
}
