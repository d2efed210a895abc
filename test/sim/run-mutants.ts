// Proves each safety rule necessary: `npm run sim:mutants`. Every mutant of mutants.ts must break an
// invariant in its stored schedule, which the core itself passes, or in one of a bounded number of
// new ones. Ends with 1 where one survives.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { messageOf } from '../../src/errors.ts';
import { helpText, type OptionTable, parseOptions } from '../../src/options.ts';
import type { TrialResult } from './mutant-trial.ts';
import { type Mutant, MUTANTS, NOT_SHOWN } from './mutants.ts';
import { scheduleOf } from './schedule.ts';
import { Simulation } from './simulation.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const KILLERS = join(import.meta.dirname, 'killers');

const TABLE = {
  runs: {
    flag: 'runs',
    env: 'RO_MUTANT_RUNS',
    kind: 'integer',
    fallback: '1500',
    min: 0,
    max: 1_000_000,
    text: 'new schedules for a mutant whose stored one does not show it',
  },
  seed: {
    flag: 'seed',
    env: 'RO_MUTANT_SEED',
    kind: 'integer',
    fallback: '1',
    min: 0,
    max: 2 ** 31,
    text: 'seed of the first new schedule',
  },
  only: { flag: 'only', env: 'RO_MUTANT_ONLY', kind: 'string', text: 'this one mutant' },
  save: {
    flag: 'save',
    env: 'RO_MUTANT_SAVE',
    kind: 'boolean',
    fallback: 'false',
    text: 'keep the smallest schedule that shows a mutant in test/sim/killers',
  },
} as const satisfies OptionTable;

function mutating(mutant: Mutant): Plugin {
  const path = join(ROOT, mutant.file);
  return {
    name: 'mutate',
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, (args) => {
        if (args.path !== path) return undefined;
        const source = readFileSync(path, 'utf8');
        if (source.split(mutant.find).length !== 2) {
          throw new Error(`${mutant.name}: its text is not found exactly once in ${mutant.file}`);
        }
        return { contents: source.replace(mutant.find, () => mutant.replace), loader: 'ts' };
      });
    },
  };
}

async function tryMutant(
  mutant: Mutant,
  folder: string,
  options: { readonly runs: number; readonly seed: number; readonly save: boolean },
): Promise<TrialResult> {
  const outfile = join(folder, `${mutant.name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, 'mutant-trial.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    outfile,
    logLevel: 'error',
    plugins: [mutating(mutant)],
  });
  const killer = join(KILLERS, `${mutant.name}.json`);
  const args = [killer, String(options.seed), String(options.runs), options.save ? 'save' : ''];
  const { stdout } = await run(process.execPath, [outfile, ...args], { maxBuffer: 2 ** 24 });
  const result = JSON.parse(stdout) as TrialResult;
  if (result.schedule !== null) {
    const schedule = scheduleOf(JSON.stringify(result.schedule));
    const [violation] = (await new Simulation(schedule, false).run()).violations;
    if (violation !== undefined) {
      const found = JSON.stringify(result.schedule);
      throw new Error(`the core fails it as well, by ${violation.invariant}: ${found}`);
    }
    writeFileSync(killer, `${JSON.stringify(result.schedule, null, 2)}\n`);
  }
  return result;
}

/** The stored schedules show the mutants, not the core. */
async function coreFails(mutant: Mutant): Promise<string | null> {
  let text: string;
  try {
    text = readFileSync(join(KILLERS, `${mutant.name}.json`), 'utf8');
  } catch {
    return null;
  }
  const [violation] = (await new Simulation(scheduleOf(text), false).run()).violations;
  return violation === undefined ? null : `${violation.invariant}: ${violation.text}`;
}

function line(mutant: Mutant, result: TrialResult): string {
  if (!result.isKilled) {
    const why = NOT_SHOWN.get(mutant.name);
    const survived = `${mutant.name} (${mutant.rule}): ${result.runs} schedules`;
    return why === undefined ? `SURVIVED  ${survived}` : `not shown ${survived}: ${why}`;
  }
  const how = result.isStored ? 'stored schedule' : `${result.runs} schedules`;
  return `killed    ${mutant.name} by ${result.invariant}, ${how}`;
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(`npm run sim:mutants -- [flags]\n\n${helpText(TABLE)}\n`);
    return 0;
  }
  const parsed = parseOptions(TABLE, args, process.env);
  if (!parsed.ok) {
    process.stderr.write(`${parsed.errors.join('\n')}\n`);
    return 2;
  }
  const { only, ...options } = parsed.values;
  const chosen = MUTANTS.filter(({ name }) => only === undefined || name === only);
  if (chosen.length === 0) {
    process.stderr.write(`--only: ${only} is no mutant. Remedy: see test/sim/mutants.ts.\n`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'ro-mutants-'));
  let failures = 0;
  let killed = 0;
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const core = await coreFails(mutant);
      let result: TrialResult;
      try {
        result = await tryMutant(mutant, folder, options);
      } catch (error) {
        failures++;
        process.stdout.write(`FAILED    ${mutant.name}: ${messageOf(error)}\n`);
        continue;
      }
      if (result.isKilled) killed++;
      else if (!NOT_SHOWN.has(mutant.name)) failures++;
      if (core !== null) failures++;
      process.stdout.write(`${line(mutant, result)}\n`);
      if (core !== null) process.stdout.write(`  THE CORE FAILS ITS SCHEDULE TOO: ${core}\n`);
    }
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(`${killed} of ${chosen.length} mutants killed\n`);
  return failures === 0 ? 0 : 1;
}

process.exitCode = await main();
