// The simulator's command line: runs many schedules, or replays one. `npm run sim -- --help`.

import { writeFileSync } from 'node:fs';
import { unreached } from './coverage.ts';
import { readOptions, type SimOptions } from './options.ts';
import { runPool } from './pool.ts';
import { type Schedule, scheduleFrom } from './schedule.ts';
import { shrink } from './shrink.ts';
import { Simulation } from './simulation.ts';
import { quantile, type Tally } from './tally.ts';

const VIOLATIONS_MAX = 20;
const SHRUNK_MAX = 2;
const PROGRESS_MS = 15_000;
const TEXT_MAX = 200;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function printTrace(schedule: Schedule): Promise<void> {
  const { trace, violations } = await new Simulation(schedule, true).run();
  for (const line of trace) say(line);
  for (const { invariant, text } of violations) say(`${invariant}: ${text}`);
}

/** The smallest schedule that still shows it, as data and as a trace. */
async function explain(seed: number): Promise<void> {
  const schedule = scheduleFrom(seed);
  const [violation] = (await new Simulation(schedule, false).run()).violations;
  if (violation === undefined) return say(`seed ${seed}: no invariant is violated`);
  say(`\nseed ${seed} violates ${violation.invariant}: ${violation.text}`);
  const smallest = await shrink(schedule, violation.invariant);
  say(`smallest schedule: ${JSON.stringify(smallest)}`);
  await printTrace(smallest);
}

function summary({ seed, workers }: SimOptions, tally: Tally, elapsedMs: number): object {
  return {
    schedules: tally.schedules,
    violations: tally.violations.length,
    found: tally.violations,
    seed,
    workers,
    seconds: Math.round(elapsedMs / 1000),
    schedulesPerSecond: Number((tally.schedules / (elapsedMs / 1000)).toFixed(1)),
    simulatedHours: Number((tally.simulatedMs / 3_600_000).toFixed(2)),
    events: tally.events,
    promotions: tally.promotions,
    acknowledgedWrites: tally.acknowledged,
    lostWrites: tally.lost,
    needAPerson: tally.stuck,
    wrongGuessesAmongAofRestarts: tally.guesses,
    recovery: {
      n: tally.recoveryMs.length,
      p50_ms: quantile(tally.recoveryMs, 0.5),
      p99_ms: quantile(tally.recoveryMs, 0.99),
      max_ms: quantile(tally.recoveryMs, 1),
    },
  };
}

async function runMany(options: SimOptions): Promise<number> {
  const { seed, schedules } = options;
  say(`${schedules} schedules from seed ${seed} on, in ${options.workers} workers`);
  const startedAt = performance.now();
  let saidAt = startedAt;
  let told = 0;
  const { tally, blocks } = await runPool({
    ...options,
    violationsMax: VIOLATIONS_MAX,
    onProgress: (sofar) => {
      for (const { seed: found, invariant, text } of sofar.violations.slice(told)) {
        say(`  seed ${found}: ${invariant} ${text.slice(0, TEXT_MAX)}`);
      }
      told = sofar.violations.length;
      if (performance.now() - saidAt < PROGRESS_MS) return;
      saidAt = performance.now();
      say(`  ${sofar.schedules} schedules, ${sofar.violations.length} violations`);
    },
  });
  const result = summary(options, tally, performance.now() - startedAt);
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  const { found: _found, ...shown } = result as { found: object };
  say(JSON.stringify(shown, null, 2));
  if (options.coverage) {
    const rows = unreached(blocks);
    say(`\nnot reached in agent/core: ${rows.length} blocks`);
    for (const row of rows) say(`  ${row}`);
  }
  for (const { seed: found, invariant, text } of tally.violations) {
    say(`VIOLATION seed ${found} ${invariant}: ${text}`);
  }
  for (const { seed: found } of tally.violations.slice(0, SHRUNK_MAX)) await explain(found);
  if (tally.violations.length > 0) say('\nreplay one: npm run sim -- --replay SEED');
  return tally.violations.length === 0 ? 0 : 1;
}

const options = readOptions(process.argv.slice(2));
if ('text' in options) {
  process.stdout.write(options.text);
  process.exitCode = options.code;
} else if (options.replay === undefined) {
  process.exitCode = await runMany(options);
} else {
  await printTrace(scheduleFrom(options.replay));
  await explain(options.replay);
}
