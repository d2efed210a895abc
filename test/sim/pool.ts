// Several workers that share the seeds of a run.

import { Worker } from 'node:worker_threads';
import { messageOf } from '../../src/errors.ts';
import type { Block } from './coverage.ts';
import { add, emptyTally, type Tally } from './tally.ts';
import type { Chunk } from './worker.ts';

const CHUNK = 100;

export type PoolOptions = {
  readonly seed: number;
  readonly schedules: number;
  readonly workers: number;
  readonly coverage: boolean;
  /** No further schedules once so many violations were found. */
  readonly violationsMax: number;
  readonly onProgress: (tally: Tally) => void;
};

function ask<Reply>(worker: Worker, message: Chunk | 'coverage'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended by itself, exit ${code}`)));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    worker.postMessage(message);
  });
}

export async function runPool(
  options: PoolOptions,
): Promise<{ readonly tally: Tally; readonly blocks: readonly (readonly Block[])[] }> {
  const { seed, schedules, violationsMax, onProgress } = options;
  const tally = emptyTally();
  let next = 0;
  const work = async (worker: Worker): Promise<readonly Block[]> => {
    while (next < schedules && tally.violations.length < violationsMax) {
      const from = next;
      next = Math.min(schedules, next + CHUNK);
      const chunk = { from: seed + from, schedules: next - from };
      try {
        add(tally, await ask<Tally>(worker, chunk));
      } catch (error) {
        const seeds = `seeds ${chunk.from} to ${chunk.from + chunk.schedules - 1}`;
        throw new Error(`${seeds}: ${messageOf(error)}`, { cause: error });
      }
      onProgress(tally);
      worker.removeAllListeners('error').removeAllListeners('exit');
    }
    return options.coverage ? await ask<readonly Block[]>(worker, 'coverage') : [];
  };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs';
  const workers = Array.from(
    { length: options.workers },
    () =>
      new Worker(new URL(`./worker.${extension}`, import.meta.url), {
        workerData: { coverage: options.coverage },
      }),
  );
  try {
    return { tally, blocks: await Promise.all(workers.map(work)) };
  } finally {
    await Promise.all(workers.map(async (worker) => await worker.terminate()));
  }
}
