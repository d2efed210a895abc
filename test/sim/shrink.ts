// Makes a failing schedule small: faults are left out and shortened, and the group is made simpler, as
// long as the same invariant breaks.

import { type Fault, isJump, type Schedule } from './schedule.ts';
import { Simulation } from './simulation.ts';

const RUNS_MAX = 400;

async function violates(schedule: Schedule, invariant: string): Promise<boolean> {
  const outcome = await new Simulation(schedule, false).run();
  return outcome.violations.some((violation) => violation.invariant === invariant);
}

/** Schedules that are a little simpler, the greatest steps first. */
function* simpler(schedule: Schedule): Generator<Schedule> {
  const { faults, setup } = schedule;
  for (let index = 0; index < faults.length; index++) {
    yield { ...schedule, faults: faults.toSpliced(index, 1) };
  }
  if (setup.members > 2) {
    const members = setup.members - 1;
    yield { ...schedule, setup: { ...setup, members, priorities: setup.priorities.slice(1) } };
  }
  if (setup.priorities.some((priority) => priority !== 100)) {
    yield { ...schedule, setup: { ...setup, priorities: setup.priorities.map(() => 100) } };
  }
  if (setup.version !== '7.0') yield { ...schedule, setup: { ...setup, version: '7.0' } };
  for (const [index, fault] of faults.entries()) {
    if (!('ms' in fault) || isJump(fault) || fault.ms < 40) continue;
    const shorter: Fault = { ...fault, ms: Math.round(fault.ms / 2) };
    yield { ...schedule, faults: faults.with(index, shorter) };
  }
}

export async function shrink(schedule: Schedule, invariant: string): Promise<Schedule> {
  let smallest = schedule;
  let runs = 0;
  for (let hasShrunk = true; hasShrunk && runs < RUNS_MAX; ) {
    hasShrunk = false;
    for (const candidate of simpler(smallest)) {
      if (++runs > RUNS_MAX) break;
      if (!(await violates(candidate, invariant))) continue;
      smallest = candidate;
      hasShrunk = true;
      break;
    }
  }
  return smallest;
}
