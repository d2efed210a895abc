// Compares the notes of scripts on the model with those of real servers.

import type { Test } from 'tap';
import type { Script } from './bench.ts';
import { modelNotes, realNotes } from './run.ts';
import type { Target } from './targets.ts';

/**
 * What differs is run on the real servers once more, alone: what a machine that has too much to do
 * delayed is not there the second time, a real difference is.
 */
export async function agree(
  t: Test,
  target: Target,
  scripts: readonly Script[],
  seeds: readonly number[],
): Promise<void> {
  const first = await realNotes(target, scripts);
  for (const script of scripts) {
    const modelled = await Promise.all(
      seeds.map(async (seed) => await modelNotes(target.version, script, seed)),
    );
    let real = first.get(script) ?? [];
    const isSame = modelled.every((notes) => notes.join('\n') === real.join('\n'));
    if (!isSame) {
      t.comment(`${script.name}: differs, and is run again`);
      real = (await realNotes(target, [script])).get(script) ?? [];
    }
    for (const [index, notes] of modelled.entries()) {
      t.same(notes, real, `${script.name}${index === 0 ? '' : `, seed ${seeds[index]}`}`);
    }
  }
}
