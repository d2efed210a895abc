// The commands of the runbooks, out of the pages themselves: each block of shell, and each command within a sentence.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleName } from '../../src/monitoring/rules.ts';
import { REPOSITORY } from './programs.ts';

export type RunbookCommand = {
  /** The heading above it; none: before the first. */
  readonly section: string;
  readonly text: string;
  /** The page says that it was run by hand, and on what: no test can. */
  readonly isByHand: boolean;
  /** The paragraph before a block. */
  readonly before: string;
};

const BLOCK = /^( *)```sh( by-hand)?\n([^]*?)^ *```$/gm;
const INLINE = /`((?:kubectl|redis-orchestrator|redis-cli|npx|jq) [^`]+)`/g;

export function runbookPage(name: RuleName): string {
  return readFileSync(join(REPOSITORY, 'docs', 'runbooks', `${name}.md`), 'utf8');
}

export function commandsOf(page: string): readonly RunbookCommand[] {
  return page.split(/^## /m).flatMap((part, index) => {
    const section = index === 0 ? '' : (part.split('\n', 1)[0] ?? '');
    const found: { readonly at: number; readonly command: RunbookCommand }[] = [];
    for (const match of part.matchAll(BLOCK)) {
      const [, indent = '', byHand, body = ''] = match;
      const lines = body.split('\n').map((line) => line.replace(new RegExp(`^${indent}`), ''));
      const before = part.slice(0, match.index).trimEnd().split('\n\n').at(-1) ?? '';
      const text = lines.join('\n').trim();
      const isByHand = byHand !== undefined;
      found.push({ at: match.index, command: { section, text, isByHand, before } });
    }
    const prose = part.replaceAll(BLOCK, (block) => ' '.repeat(block.length));
    for (const match of prose.matchAll(INLINE)) {
      const text = match[1] ?? '';
      found.push({ at: match.index, command: { section, text, isByHand: false, before: '' } });
    }
    return found.toSorted((one, other) => one.at - other.at).map(({ command }) => command);
  });
}
