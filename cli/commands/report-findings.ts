// The findings of check as they are written, and the exit code that they make.

import { EXIT, type ExitCode, type Outcome, outcome } from '../exit-codes.ts';
import { jsonText, printable, yamlText } from '../printable.ts';
import type { Finding, Level } from './finding.ts';

/** The question mark is that of status, for what may not be seen. */
const MARKS: Readonly<Record<Level, string>> = { ok: '√', warning: '‼', error: '×', unseen: '?' };

export type ReportOptions = {
  readonly output: string;
  /** What is said where there is nothing to say. */
  readonly nothing: string;
  /** Not all that was asked for could be looked at: what was not may be wrong as well. */
  readonly isPartial: boolean;
};

export function reportFindings(
  findings: readonly Finding[],
  { output, nothing, isPartial }: ReportOptions,
): Outcome {
  const code = codeOf(findings, isPartial);
  if (output === 'json') return outcome(code, `${jsonText(findings, 2)}\n`);
  if (output === 'yaml') return outcome(code, yamlText(findings));
  const lines = findings.flatMap(({ level, about, text, code: name, remedy }) => [
    printable(`${MARKS[level]} ${about}: ${text}${name === undefined ? '' : ` [${name}]`}`),
    ...(remedy === undefined ? [] : [printable(`    ${remedy}`)]),
  ]);
  return outcome(code, `${(lines.length === 0 ? [nothing] : lines).join('\n')}\n`);
}

function codeOf(findings: readonly Finding[], isPartial: boolean): ExitCode {
  const has = (level: Level): boolean => findings.some((each) => each.level === level);
  if (has('error')) return EXIT.critical;
  if (has('warning')) return EXIT.degraded;
  return isPartial ? EXIT.failed : EXIT.ok;
}
