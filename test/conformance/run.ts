// Runs scripts on the model and on real servers of a version, and gives the notes of both.

import { messageOf } from '../../src/errors.ts';
import { Workspace } from '../harness/workspace.ts';
import type { RedisVersion } from '../sim/redis/options.ts';
import { Bench, type Driver, type Script } from './bench.ts';
import { ModelDriver } from './model-driver.ts';
import { RealDriver } from './real-driver.ts';

/** Most of a script is waiting: several at once, but few enough that nobody waits for a processor. */
const SCRIPTS_AT_ONCE = 6;

async function notesOf(driver: Driver, script: Script): Promise<readonly string[]> {
  const bench = new Bench(driver);
  try {
    await script.run(bench);
  } catch (error) {
    bench.note('failed', messageOf(error));
  }
  return bench.notes;
}

export async function modelNotes(
  version: RedisVersion,
  script: Script,
  seed: number,
): Promise<readonly string[]> {
  return await notesOf(new ModelDriver(version, seed), script);
}

export async function realNotes(
  target: { readonly version: RedisVersion; readonly program: string },
  scripts: readonly Script[],
): Promise<ReadonlyMap<Script, readonly string[]>> {
  const workspace = new Workspace();
  const notes = new Map<Script, readonly string[]>();
  const waiting = scripts.map((script, index) => ({ script, folder: `script-${index}` }));
  const work = async (): Promise<void> => {
    for (;;) {
      const next = waiting.shift();
      if (next === undefined) return;
      const driver = await RealDriver.open({ ...target, folder: next.folder }, workspace);
      notes.set(next.script, await notesOf(driver, next.script));
      await driver.close();
    }
  };
  try {
    await Promise.all(Array.from({ length: SCRIPTS_AT_ONCE }, work));
  } finally {
    await workspace.close();
  }
  return notes;
}
