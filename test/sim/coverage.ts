// Which rows of the state machine the schedules reached: V8 counts every block of agent/core, and a
// row is a block. Types are stripped in place, so that offsets are those of the source.

import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';

/** A block of the core: where it lies, and how often it ran. */
export type Block = {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly count: number;
};

const session = new Session();

export async function startCoverage(): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}

export async function takeCoverage(): Promise<readonly Block[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => url.includes('/agent/core/'))
    .flatMap(({ url, functions }) =>
      functions.flatMap(({ ranges }) =>
        ranges.map(({ startOffset: start, endOffset: end, count }) => ({
          file: fileURLToPath(url),
          start,
          end,
          count,
        })),
      ),
    );
}

/** Blocks that ran in no worker, as `file:line  text`. */
export function unreached(taken: readonly (readonly Block[])[]): readonly string[] {
  const counts = new Map<string, Block>();
  for (const block of taken.flat()) {
    const key = `${block.file} ${block.start} ${block.end}`;
    const known = counts.get(key);
    counts.set(key, { ...block, count: block.count + (known?.count ?? 0) });
  }
  const dead = [...counts.values()].filter(({ count }) => count === 0);
  // A block within another dead one tells nothing more.
  const outer = dead.filter(
    (block) =>
      !dead.some(
        (other) =>
          other !== block &&
          other.file === block.file &&
          other.start <= block.start &&
          other.end >= block.end,
      ),
  );
  return outer
    .map((block) => describe(block))
    .filter((line) => line !== null)
    .toSorted();
}

function describe({ file, start, end }: Block): string | null {
  const source = readFileSync(file, 'utf8');
  const text = source.slice(start, end).replaceAll(/\s+/g, ' ').trim();
  if (!/\w/.test(text)) return null;
  const line = source.slice(0, start).split('\n').length;
  const name = file.slice(file.lastIndexOf('/agent/core/') + 1);
  return `${name}:${line}  ${text.slice(0, 90)}`;
}
