// Each safety rule is necessary: without it an invariant breaks in its stored schedule, which the core
// itself passes.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { MUTANTS, NOT_SHOWN } from './mutants.ts';

const run = promisify(execFile);

for (const [name, why] of NOT_SHOWN) t.comment(`${name} is shown by no schedule: ${why}`);

for (const { name, rule } of MUTANTS.filter((mutant) => !NOT_SHOWN.has(mutant.name))) {
  await t.test(`${name} is killed (${rule})`, async (t) => {
    const args = [join(import.meta.dirname, 'run-mutants.ts'), '--only', name, '--runs', '0'];
    const { stdout } = await run(process.execPath, args).catch((error: unknown) => ({
      stdout: `${Reflect.get(error as object, 'stdout')}${Reflect.get(error as object, 'stderr')}`,
    }));
    t.comment(stdout.trim());
    t.match(stdout, /^killed/);
    t.notMatch(stdout, /THE CORE FAILS/);
  });
}
