// Bundled with one rule of the core taken out: runs its stored schedule, then new ones, until an
// invariant breaks. Prints what it found as one line of JSON.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Schedule, scheduleFrom, scheduleOf } from './schedule.ts';
import { shrink } from './shrink.ts';
import { Simulation } from './simulation.ts';

export type TrialResult = {
  readonly isKilled: boolean;
  /** Schedules that were run. */
  readonly runs: number;
  readonly isStored: boolean;
  readonly invariant: string;
  readonly text: string;
  /** The smallest that shows it, where it was to be saved. */
  readonly schedule: Schedule | null;
};

const [file = '', seed = '1', runsMax = '1000', saves = ''] = process.argv.slice(2);

async function violationOf(schedule: Schedule) {
  return (await new Simulation(schedule, false).run()).violations[0];
}

function allStored(): readonly Schedule[] {
  const folders = [dirname(file), join(dirname(file), '..', 'found')];
  return folders.flatMap((folder) =>
    readdirSync(folder).map((name) => scheduleOf(readFileSync(join(folder, name), 'utf8'))),
  );
}

async function trial(): Promise<TrialResult> {
  const none = { invariant: '', text: '', schedule: null };
  if (existsSync(file)) {
    const stored = scheduleOf(readFileSync(file, 'utf8'));
    const violation = await violationOf(stored);
    if (violation !== undefined) {
      return { isKilled: true, runs: 1, isStored: true, ...violation, schedule: null };
    }
  }
  if (saves !== '') {
    // What showed one fault often shows another.
    for (const stored of allStored()) {
      const violation = await violationOf(stored);
      if (violation === undefined) continue;
      const schedule = await shrink(stored, violation.invariant);
      return { isKilled: true, runs: 1, isStored: false, ...violation, schedule };
    }
  }
  for (let run = 0; run < Number(runsMax); run++) {
    const schedule = scheduleFrom(Number(seed) + run);
    const violation = await violationOf(schedule);
    if (violation === undefined) continue;
    const smallest = saves === '' ? null : await shrink(schedule, violation.invariant);
    return { isKilled: true, runs: run + 1, isStored: false, ...violation, schedule: smallest };
  }
  return { isKilled: false, runs: Number(runsMax), isStored: false, ...none };
}

process.stdout.write(`${JSON.stringify(await trial())}\n`);
