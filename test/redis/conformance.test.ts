// The model of Redis that the simulator uses does what real servers do: the same scripts on both.

import t from 'tap';
import { modelNotes, realNotes } from '../conformance/run.ts';
import { COMMAND_SCRIPTS } from '../conformance/scripts-commands.ts';
import { FILE_SCRIPTS } from '../conformance/scripts-files.ts';
import { LINK_SCRIPTS } from '../conformance/scripts-links.ts';
import { SYNC_SCRIPTS } from '../conformance/scripts-syncs.ts';
import { targets } from '../conformance/targets.ts';

/** The model's own dice must not matter to a script. */
const SEEDS = [1, 2, 3];
const SCRIPTS = [...LINK_SCRIPTS, ...SYNC_SCRIPTS, ...FILE_SCRIPTS, ...COMMAND_SCRIPTS].filter(
  ({ name }) => name.includes(process.env['RO_SCRIPT'] ?? ''),
);

const all = targets();
t.comment(
  `compared with ${all.map(({ text }) => text).join(', ')}; RO_REDIS_VERSIONS=all: with all`,
);

for (const target of all) {
  const scripts = SCRIPTS.filter(({ only }) => only === undefined || only(target.version));
  await t.test(`the model and ${target.text} agree`, async (t) => {
    const real = await realNotes(target, scripts);
    for (const script of scripts) {
      for (const seed of SEEDS) {
        const notes = await modelNotes(target.version, script, seed);
        t.same(notes, real.get(script), seed === 1 ? script.name : `${script.name}, seed ${seed}`);
      }
    }
  });
}
