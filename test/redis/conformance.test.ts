// The model of Redis that the simulator uses does what real servers do: the same scripts on both.
// RO_SCRIPT chooses those whose name has it.

import t from 'tap';
import { agree } from '../conformance/compare.ts';
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
const names = all.map(({ text }) => text).join(', ');
t.comment(`compared with ${names}; RO_REDIS_VERSIONS=all compares with every version`);

for (const target of all) {
  const scripts = SCRIPTS.filter(({ only }) => only === undefined || only(target.version));
  await t.test(`the model and ${target.text} agree`, async (t) => {
    await agree(t, target, scripts, SEEDS);
  });
}
